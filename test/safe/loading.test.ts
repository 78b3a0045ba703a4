import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

/** Every module that importing these files loads. */
async function loadedBy(...files: readonly string[]): Promise<string[]> {
  const script = `
    import { registerHooks } from "node:module";
    const seen = [];
    registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
    for (const path of process.argv.slice(1)) await import(path);
    console.log(JSON.stringify(seen));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--import",
      "tsx/esm",
      "--input-type=module",
      "-e",
      script,
      ...files.map((file) => join(process.cwd(), file)),
    ],
    { maxBuffer: 20_000_000 },
  );
  return JSON.parse(stdout) as string[];
}

const HEAVY = /protocol-kit|api-kit|types-kit|node_modules\/viem\//;

describe("loading what Safes need", function () {
  this.timeout(60_000);

  it("the plugin, as `hardhat --help` does, loads nothing of it", async () => {
    const seen = await loadedBy("src/index.ts");
    expect(seen.some((url) => url.includes("tasks/declarations"))).to.equal(
      true,
    );
    expect(
      seen.filter((url) => HEAVY.test(url) || url.includes("/src/safe/")),
    ).to.deep.equal([]);
  });

  it("tasks without a Safe never load protocol-kit", async () => {
    const seen = await loadedBy(
      "tasks/actions/pause.ts",
      "tasks/actions/rollback.ts",
      "tasks/actions/status.ts",
      "tasks/actions/resume.ts",
      "src/session/disaster-recovery.ts",
    );
    expect(seen.some((url) => url.includes("/src/recovery/"))).to.equal(true);
    expect(seen.filter((url) => HEAVY.test(url))).to.deep.equal([]);
  });

  it("nor do the tasks of a Safe before they know their proposal", async () => {
    const seen = await loadedBy(
      "tasks/actions/safe-sign.ts",
      "tasks/actions/safe-execute.ts",
      "tasks/actions/safe-status.ts",
      "tasks/actions/safe-propose.ts",
    );
    expect(seen.filter((url) => HEAVY.test(url))).to.deep.equal([]);
  });
});
