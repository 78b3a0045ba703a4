import { expect } from "chai";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { findCast, requireAnvil, requireCast, startAnvil } from "./anvil.js";

const HELPER = new URL("./anvil.ts", import.meta.url).href;

describe("the anvil helper", () => {
  before(function () {
    requireAnvil(this);
  });

  it("takes arguments, listens on a free port, and stops", async () => {
    const [first, second] = await Promise.all([
      startAnvil({ args: ["--chain-id", "1"] }),
      startAnvil(),
    ]);
    expect(first.port).to.not.equal(second.port);
    expect(first.output()).to.include("Chain ID");
    for (const anvil of [first, second]) {
      await anvil.stop();
      await anvil.stop();
      expect(isAlive(anvil.pid)).to.equal(false);
    }
  });

  it("answers cast, another client", async function () {
    requireCast(this);
    const anvil = await startAnvil({ args: ["--chain-id", "4242"] });
    try {
      const args = ["chain-id", "--rpc-url", anvil.url];
      const answer = execFileSync(findCast() ?? "", args, { encoding: "utf8" });
      expect(answer.trim()).to.equal("4242");
    } finally {
      await anvil.stop();
    }
  });

  it("says why anvil didn't start", async () => {
    let reason = "";
    try {
      await startAnvil({ args: ["--no-such-argument"] });
    } catch (error) {
      reason = (error as Error).message;
    }
    expect(reason).to.include("--no-such-argument");
  });

  it("takes anvil along when the test process is killed", async function () {
    if (process.platform === "win32") {
      this.skip();
    }
    const script = `import { startAnvil } from ${JSON.stringify(HELPER)};
      const anvil = await startAnvil();
      console.log("pid " + anvil.pid);
      setInterval(() => {}, 1000);`;
    const parent = spawn(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "--eval", script],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString().replace("pid ", ""));
    expect(isAlive(pid)).to.equal(true);
    parent.kill("SIGKILL");
    const deadline = Date.now() + 5_000;
    while (isAlive(pid) && Date.now() < deadline) {
      await sleep(20);
    }
    expect(isAlive(pid)).to.equal(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
