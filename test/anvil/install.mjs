// Puts anvil and cast into test/anvil/node_modules, unless the machine has them.
// Runs on any Node since 18, before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const PROGRAMS = ["anvil", "cast"];
const WINDOWS = process.platform === "win32";

/** Sets the exit code when npm fails; a platform that has no package is only told so. */
export function installAnvil() {
  if (PROGRAMS.every(isThere)) {
    return;
  }
  // Not `npm ci`: it refuses a lock file without the platforms that the
  // registry didn't have when it was made.
  const { status } = spawnSync(
    "npx",
    ["-y", "-p", "node@24", "-c", "npm install --no-save"],
    { cwd: HERE, stdio: ["ignore", "inherit", "inherit"], shell: WINDOWS },
  );
  if (status !== 0) {
    process.exitCode = status ?? 1;
    return;
  }
  for (const name of PROGRAMS.filter((program) => !isThere(program))) {
    process.stderr.write(
      `The npm registry has no ${name} for ${process.platform} ${process.arch}: tests that need it are skipped, and fail in CI. Put it on the PATH to run them.\n`,
    );
  }
}

function isThere(name) {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const file = WINDOWS ? `${name}.exe` : name;
  const own = join(
    HERE,
    "node_modules/@foundry-rs",
    `${name}-${process.platform}-${arch}`,
    "bin",
  );
  return [...(process.env.PATH ?? "").split(delimiter), own].some(
    (directory) => directory !== "" && existsSync(join(directory, file)),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  installAnvil();
}
