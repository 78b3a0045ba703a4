import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

const FOLDERS = ["src/recovery/safety", "src/implementation"];

describe("loading the safety report", function () {
  it("leaves OpenZeppelin's library alone until one is asked for", async () => {
    const folders = await Promise.all(
      FOLDERS.map(async (folder) =>
        (await readdir(folder)).map((name) =>
          join(process.cwd(), folder, name),
        ),
      ),
    );
    const script = `
      import { createRequire, registerHooks } from "node:module";
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
        ...folders.flat(),
      ],
      { maxBuffer: 10_000_000 },
    );
    const seen = JSON.parse(stdout) as string[];
    expect(seen.some((url) => url.includes("recovery/safety/report"))).to.equal(
      true,
    );
    expect(seen.filter((url) => url.includes("upgrades-core"))).to.deep.equal(
      [],
    );
  });
});
