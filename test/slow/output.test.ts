import { readdirSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { expect } from "chai";

import { requireAnvil } from "../helpers/anvil.js";
import { BuiltPlugin, KEYS, type Ended } from "../helpers/cli-project.js";
import { RecoveryScene } from "../helpers/recovery-scene.js";

const PATH_KEY = "p4thk3yp4thk3yp4thk3y";
const USER = "b4sicus3r";
const PASSWORD = "b4sicp4ssw0rd";
const AUTHORIZATION = Buffer.from(`${USER}:${PASSWORD}`).toString("base64");
const SECRETS = [
  ...KEYS.map((key) => key.slice(2)),
  PATH_KEY,
  USER,
  PASSWORD,
  AUTHORIZATION,
];

const PROOF = 'SkillProfile.register("ada", "smith")';

/** How the RPC fails: it refuses the key, talks nonsense, or is gone. */
type Mood = "works" | "unauthorized" | "nonsense" | "rpc-error" | "hangs-up";

describe("what the tasks print", function () {
  this.timeout(240_000);
  let plugin: BuiltPlugin;
  let scene: RecoveryScene;
  let guard: Guard;
  const printed: string[] = [];

  before(async function () {
    requireAnvil(this);
    plugin = await BuiltPlugin.create();
    guard = await Guard.start();
    scene = await RecoveryScene.create(plugin, {
      blocks: "at once",
      disguise: (url) => guard.disguise(url),
    });
  });

  after(async () => {
    await scene.end();
    await guard.stop();
    await plugin.remove();
  });

  afterEach(() => {
    printed.length = 0;
  });

  async function hardhat(args: readonly string[]): Promise<Ended> {
    const { child, ended } = scene.project.start(args);
    const watch = setInterval(() => {
      printed.push(...commandLines());
    }, 100);
    const { stdout, stderr, ...rest } = await ended;
    clearInterval(watch);
    expect(child.exitCode).to.not.equal(null);
    printed.push(stdout, stderr);
    return { stdout, stderr, ...rest };
  }

  function expectNoSecrets(): void {
    const text = printed.splice(0).join("\n");
    for (const secret of SECRETS) {
      expect(text.toLowerCase()).to.not.include(secret.toLowerCase());
    }
  }

  /** In the order in which they make sense: each finds what the others left. */
  const CALLS: readonly (readonly [exitCode: number, ...args: string[]])[] = [
    [0, "dr:status"],
    [0, "dr:runs"],
    [0, "dr:init", "--dry-run"],
    [3, "dr:init"],
    [3, "dr:init", "SkillProfile"],
    [3, "dr:status", "Nobody"],
    [3, "dr:pause", "Nobody", "--yes"],
    [3, "dr:pause", "--all"],
    [0, "dr:pause", "--all", "--dry-run"],
    [3, "dr:pause", "--prove", "nonsense", "SkillProfile", "--dry-run"],
    [0, "dr:rehearse", "rollback", "--all"],
    [3, "dr:rehearse", "nothing"],
    [0, "dr:pause", "--all", "--yes"],
    [0, "dr:unpause", "--all", "--yes"],
    [0, "dr:rollback", "--all", "--dry-run"],
    [0, "dr:rollback", "--all", "--yes"],
    [3, "dr:rollback", "--all", "--yes"],
    [0, "dr:pause", "--prove", PROOF, "SkillProfile", "--dry-run"],
    [3, "dr:snapshot:verify"],
    [0, "dr:snapshot"],
    [0, "dr:snapshot:verify", "--live"],
    [3, "dr:snapshot:verify", "contract_snapshot_1"],
    [3, "dr:snapshot:restore"],
    [0, "dr:snapshot:restore", "--yes"],
    [3, "dr:upgrade", "SkillProfile", "--to", "Nothing", "--yes"],
    [0, "dr:upgrade", "SkillProfile", "--to", "SkillProfileV2", "--yes"],
    [3, "dr:resume", "--yes"],
    [3, "dr:resume", "19700101-000000-pause-0000", "--yes"],
    [0, "dr:runs"],
  ];

  it("with --json is one object and nothing else, whatever happens, and no secret", async () => {
    for (const [exitCode, ...args] of CALLS) {
      const ended = await hardhat([...args, "--json"]);
      const { stdout, stderr } = ended;
      expect(ended.exitCode, `${args.join(" ")}\n${stderr}`).to.equal(exitCode);
      const result = onlyObject(stdout);
      if (exitCode !== 0) {
        expect(result).to.have.nested.property("error.code");
        expect(result).to.have.nested.property("error.fix");
      }
    }
    expectNoSecrets();
  });

  for (const mood of [
    "unauthorized",
    "nonsense",
    "rpc-error",
    "hangs-up",
  ] as const) {
    it(`names no secret when the RPC fails (${mood}), with stack traces too`, async () => {
      guard.mood = mood;
      try {
        for (const task of ["dr:status", "dr:pause", "dr:rollback"]) {
          const args = task === "dr:status" ? [task] : [task, "--all", "--yes"];
          const json = await hardhat([...args, "--json"]);
          expect(json.exitCode, json.stderr).to.equal(1);
          expect(onlyObject(json.stdout))
            .to.have.nested.property("error.code")
            .that.matches(/^RPC_/);
          const text = await hardhat([...args, "--show-stack-traces"]);
          expect(text.exitCode, text.stderr).to.equal(1);
        }
      } finally {
        guard.mood = "works";
      }
      expectNoSecrets();
    });
  }

  it("and write: no secret is in deploy.json, journals and reports", async () => {
    const { deployments } = scene.project;
    const entries = await readdir(deployments, {
      recursive: true,
      withFileTypes: true,
    });
    const files = entries.filter((entry) => entry.isFile());
    expect(files.length).to.be.at.least(5);
    for (const { parentPath, name } of files) {
      printed.push(await readFile(join(parentPath, name), "utf8"));
    }
    expectNoSecrets();
  });
});

function onlyObject(stdout: string): object {
  expect(stdout).to.match(/^\{.*\}\n$/);
  return JSON.parse(stdout) as object;
}

/** Of every process of this machine, where it tells. */
function commandLines(): string[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => {
        try {
          return readFileSync(join("/proc", pid, "cmdline"), "utf8");
        } catch {
          return ""; // It has ended meanwhile.
        }
      });
  } catch {
    return [];
  }
}

/** Stands before an RPC and lets in who knows the key, the user and the password. */
class Guard {
  mood: Mood = "works";
  readonly #server: Server;
  #behind = "";

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        void this.#answer(
          request.url ?? "",
          request.headers.authorization,
          Buffer.concat(chunks).toString(),
        ).then(({ status, body }) => {
          if (status === 0) {
            response.destroy();
          } else {
            response.writeHead(status, { "content-type": "application/json" });
            response.end(body);
          }
        });
      });
    });
  }

  static async start(): Promise<Guard> {
    const guard = new Guard();
    await new Promise<void>((resolve) => {
      guard.#server.listen(0, "127.0.0.1", resolve);
    });
    return guard;
  }

  disguise(url: string): string {
    this.#behind = url;
    const { port } = this.#server.address() as AddressInfo;
    return `http://${USER}:${PASSWORD}@127.0.0.1:${String(port)}/v2/${PATH_KEY}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(
    path: string,
    authorization: string | undefined,
    body: string,
  ): Promise<{ readonly status: number; readonly body: string }> {
    const isKnown =
      path === `/v2/${PATH_KEY}` && authorization === `Basic ${AUTHORIZATION}`;
    if (!isKnown || this.mood === "unauthorized") {
      return { status: 401, body: "Unauthorized" };
    }
    switch (this.mood) {
      case "works": {
        const answer = await fetch(this.#behind, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body,
        });
        return { status: answer.status, body: await answer.text() };
      }
      case "nonsense":
        return { status: 200, body: "<html>It works!</html>" };
      case "rpc-error":
        return {
          status: 200,
          body: JSON.stringify({
            jsonrpc: "2.0",
            id: 1,
            error: {
              code: -32000,
              message: `project ${PATH_KEY} is over its limit`,
            },
          }),
        };
      case "hangs-up":
        return { status: 0, body: "" };
    }
  }
}
