// Puts anvil and cast into test/anvil/node_modules; does nothing when they are there.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** Runs on any Node since 18, before anything is installed. */
export function installAnvil() {
  if (["anvil", "cast"].every(isInstalled)) {
    return;
  }
  // Not `npm ci`: it refuses a lock file without the platforms that the
  // registry didn't have when it was made.
  const { status } = spawnSync(
    "npx",
    ["-y", "-p", "node@24", "-c", "npm install --no-save"],
    { cwd: here, stdio: "inherit", shell: process.platform === "win32" },
  );
  process.exitCode = status ?? 1;
}

function isInstalled(name) {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const file = process.platform === "win32" ? `${name}.exe` : name;
  return existsSync(
    join(
      here,
      "node_modules/@foundry-rs",
      `${name}-${process.platform}-${arch}`,
      "bin",
      file,
    ),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  installAnvil();
}
