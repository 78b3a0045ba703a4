import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";
import hre from "hardhat";

import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { writeProject } from "./project.js";

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
}

describe("an incident on the command line", function () {
  this.timeout(120_000);
  const folder = useTemporaryFolder();
  let deadNode: Server;

  beforeEach(async () => {
    // Takes every request and never answers.
    deadNode = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(deadNode, "listening");
    const { port } = deadNode.address() as AddressInfo;
    await writeProject(folder.path, `http://127.0.0.1:${String(port)}`);
  });

  afterEach(async () => {
    deadNode.closeAllConnections();
    deadNode.close();
    await once(deadNode, "close");
  });

  function start(...args: readonly string[]): {
    readonly child: ChildProcess;
    readonly ended: Promise<Ended>;
  } {
    const { root } = hre.config.paths;
    const cli = join(root, "node_modules/hardhat/dist/src/cli.js");
    const child = spawn(
      process.execPath,
      [cli, ...args, "--network", "localhost"],
      {
        cwd: folder.path,
        stdio: ["ignore", "pipe", "ignore"],
        env: Object.fromEntries(
          Object.entries(process.env).filter(
            ([name]) => !/^(HARDHAT_|NODE_OPTIONS$)/.test(name),
          ),
        ),
      },
    );
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    const ended = once(child, "close").then(() => ({
      exitCode: child.exitCode,
      stdout,
    }));
    return { child, ended };
  }

  function journal(): string {
    const incidents = join(folder.path, "docs/incidents");
    const [id = ""] = existsSync(incidents) ? readdirSync(incidents) : [];
    return readFileSync(join(incidents, id, "journal.ndjson"), "utf8");
  }

  it("opens without a terminal, and keeps the beginning of a task that is killed", async () => {
    const opened = await start("dr:incident:open", "--title", "Node down")
      .ended;
    expect(opened.exitCode).to.equal(0);
    expect(opened.stdout).to.match(/^INC-\S+ +critical +Node down$/m);
    expect(opened.stdout).to.include("on-call engineer");
    expect(opened.stdout).to.include("in 15 minutes");
    const hanging = start("dr:pause", "--all", "--yes");
    while (!journal().includes('"task-started"')) {
      expect(hanging.child.exitCode).to.equal(null);
      await sleep(5);
    }
    hanging.child.kill("SIGKILL");
    await hanging.ended;
    const noted = await start("dr:incident:note", "The", "node", "hangs").ended;
    expect(noted.exitCode).to.equal(0);
    const reported = await start("dr:incident:report", "--json").ended;
    expect(reported.exitCode).to.equal(0);
    const { path } = JSON.parse(reported.stdout) as { readonly path: string };
    const report = readFileSync(path, "utf8");
    expect(report).to.match(
      /`dr:pause` \(all yes\) on localhost by .+: begun, and its end was never entered/,
    );
    expect(report).to.include("The node hangs");
    const listed = await start("dr:incident:list").ended;
    expect(listed.exitCode).to.equal(0);
    expect(listed.stdout).to.match(/^Journal: 3 entries, chain intact, head /m);
  });
});
