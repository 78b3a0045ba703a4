import { existsSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import { systemClock } from "../../src/core/clock.js";
import type { IncidentRecord } from "../../src/incident/declared/event.js";
import { readDeclared } from "../../src/incident/declared/incident-journal.js";
import {
  latestAccounts,
  measureIncident,
} from "../../src/incident/declared/measure.js";
import {
  recordTask,
  type TaskRecorderPorts,
} from "../../src/incident/declared/record-task.js";
import {
  closeIncident,
  openIncident,
} from "../../src/incident/declared/respond.js";
import { describeArguments } from "../../src/incident/declared/task-arguments.js";
import { acquireLock } from "../../src/run/lock.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  OPENING,
  responseScene,
  type ResponseScene,
} from "./response-scene.js";
import {
  approved,
  PROXY,
  recordsOf,
  RUN,
  sent,
  wholeRun,
  writeJournal,
  type Happening,
} from "./sample-run.js";

const CALL = {
  task: "dr:rollback",
  arguments: { all: "yes" },
  network: "mainnet",
  by: "ops@bastion",
};

describe("a task while an incident is open", () => {
  const folder = useTemporaryFolder();

  function recorder(
    { ports }: ResponseScene,
    changes: Partial<TaskRecorderPorts> = {},
  ): TaskRecorderPorts & { readonly failures: string[] } {
    const failures: string[] = [];
    return {
      incidents: ports.incidents,
      clock: { now: () => ports.clock.now(), sleep: systemClock.sleep },
      deployments: join(folder.path, "deployments/mainnet"),
      onFailure: (reason) => {
        failures.push(reason);
      },
      failures,
      ...changes,
    };
  }

  async function recordsIn(
    { ports }: ResponseScene,
    id: string,
  ): Promise<readonly IncidentRecord[]> {
    return (await readDeclared(ports.incidents, id)).records;
  }

  /** A run of this journal, entered into a new incident. */
  async function enter(
    happenings: readonly Happening[],
    scene = responseScene(folder.path, { announce: undefined }),
  ) {
    const { id } = await openIncident(scene.ports, OPENING);
    const deployments = join(folder.path, "deployments/mainnet");
    await writeJournal(deployments, recordsOf(happenings));
    const ports = recorder(scene);
    await recordTask(ports, CALL).end({ exitCode: 0, run: RUN });
    expect(ports.failures).to.deep.equal([]);
    return { scene, id };
  }

  it("is entered with its run, when it paused and recovered, and its transactions", async () => {
    const { scene, id } = await enter(wholeRun());
    const [, started, ended] = await recordsIn(scene, id);
    expect(started).to.include({ type: "task-started", task: "dr:rollback" });
    expect(ended).to.include({ type: "task-ended", exitCode: 0 });
    const { run, call } = ended as Extract<
      IncidentRecord,
      { type: "task-ended" }
    >;
    expect(call).to.equal((started as { call: string }).call);
    expect(run).to.include({
      run: RUN,
      chainId: 1,
      status: "done",
      // 16 seconds from the approval to the proof of the pause.
      pausedAt: "2026-11-20T03:15:16.000Z",
      recoveredAt: run!.endedAt,
      head: recordsOf(wholeRun()).at(-1)!.hash,
      journal: `../../../deployments/mainnet/runs/${RUN}.ndjson`,
    });
    expect(run!.transactions.map(({ hash }) => hash)).to.deep.equal(
      ["1", "2", "3"].map((nonce) => `0x${nonce.repeat(64)}`),
    );
  });

  it("has paused and not recovered where its run stops after the pause", async () => {
    const { scene, id } = await enter([approved(), ...sent("pause", 1)]);
    const incident = await readDeclared(scene.ports.incidents, id);
    const { paused, recovered } = measureIncident(incident);
    expect(paused).to.include({
      afterMs: 16_000,
      proof: `${RUN} on mainnet`,
    });
    expect(recovered).to.equal(undefined);
  });

  it("has neither where its run stops before the pause is proven", async () => {
    const { scene, id } = await enter([
      approved(),
      ...sent("pause", 1).slice(0, -1),
    ]);
    const incident = await readDeclared(scene.ports.incidents, id);
    const measured = measureIncident(incident);
    expect(measured).to.not.have.any.keys("paused", "recovered");
  });

  /** The beginning of a run with other words in it. */
  function begun(changes: Readonly<Record<string, unknown>>): Happening {
    const [seconds, event] = approved();
    return [seconds, { ...event, ...changes }];
  }

  const done = (...steps: readonly string[]): readonly Happening[] => [
    ...steps.map((step): Happening => [
      1,
      { type: "step-done", step, already: false },
    ]),
    [0, { type: "run-done" }],
  ];

  it("hasn't paused what was paused before", async () => {
    const { intent } = approved()[1] as unknown as {
      readonly intent: { readonly contracts: readonly [object] };
    };
    const [contract] = intent.contracts;
    const paused = Object.fromEntries(
      Object.entries(contract).filter(([name]) => name !== "pauseRoute"),
    );
    const { scene, id } = await enter([
      begun({ intent: { reason: "rollback", contracts: [paused] } }),
      ...done("rollback", "verify", "unpause", "record"),
    ]);
    const incident = await readDeclared(scene.ports.incidents, id);
    const measured = measureIncident(incident);
    expect(measured.paused).to.equal(undefined);
    expect(measured.recovered).to.not.equal(undefined);
  });

  it("has paused once a Safe's transaction that pauses is verified", async () => {
    const effect = { kind: "paused", contract: PROXY, paused: true };
    const { scene, id } = await enter([
      begun({
        procedure: "safe-execute",
        intent: { contracts: [], effects: [effect] },
      }),
      ...done("execute", "verify"),
    ]);
    const incident = await readDeclared(scene.ports.incidents, id);
    const { paused, recovered } = measureIncident(incident);
    expect(paused!.at.toISOString()).to.equal("2026-11-20T03:15:02.000Z");
    expect(recovered).to.equal(undefined);
  });

  it("is told once, as it was entered last, when it was resumed", async () => {
    const { scene, id } = await enter([approved(), ...sent("pause", 1)]);
    const deployments = join(folder.path, "deployments/mainnet");
    await writeJournal(deployments, recordsOf(wholeRun()));
    await recordTask(recorder(scene), { ...CALL, task: "dr:resume" }).end({
      exitCode: 0,
      run: RUN,
    });
    const accounts = latestAccounts(await recordsIn(scene, id));
    expect(accounts.map(({ status }) => status)).to.deep.equal(["done"]);
  });

  it("isn't measured before the beginning, where clocks disagree", async () => {
    const scene = responseScene(folder.path, { announce: undefined });
    scene.clock.time += 86_400_000;
    const { id } = await enter(wholeRun(), scene);
    const incident = await readDeclared(scene.ports.incidents, id);
    expect(measureIncident(incident).paused).to.not.have.property("afterMs");
  });

  it("is counted from the first sign where that was told", async () => {
    const scene = responseScene(folder.path, { announce: undefined });
    const { ports, clock } = scene;
    const { id } = await openIncident(ports, {
      ...OPENING,
      detectedAt: new Date(clock.time - 60_000),
    });
    clock.time += 1000;
    await closeIncident(ports, id);
    const incident = await readDeclared(ports.incidents, id);
    expect(measureIncident(incident)).to.deep.include({ from: "first sign" });
    expect(measureIncident(incident).closed!.afterMs).to.equal(61_000);
  });

  it("counts what brings data back as a recovery, and not what is only tried or put beside", async () => {
    const scene = responseScene(folder.path, { announce: undefined });
    const { id } = await openIncident(scene.ports, OPENING);
    const ports = recorder(scene);
    const recovers = async (
      task: string,
      args: Readonly<Record<string, string>>,
      exitCode = 0,
    ): Promise<boolean> => {
      scene.clock.time += 1000;
      const before = scene.clock.now();
      await recordTask(ports, { ...CALL, task, arguments: args }).end({
        exitCode,
      });
      const incident = await readDeclared(scene.ports.incidents, id);
      const { recovered } = measureIncident(incident);
      return recovered !== undefined && recovered.at >= before;
    };
    expect(await recovers("dr:db:restore", { dryRun: "yes" })).to.equal(false);
    expect(await recovers("dr:db:restore", { into: "trial" })).to.equal(false);
    expect(await recovers("dr:db:restore", {}, 5)).to.equal(false);
    expect(await recovers("dr:db:recover", {})).to.equal(false);
    expect(await recovers("dr:backup", {})).to.equal(false);
    expect(await recovers("dr:db:restore", {})).to.equal(true);
    expect(await recovers("dr:db:recover", { apply: "yes" })).to.equal(true);
  });

  it("is entered into those opened or closed while it went on", async () => {
    const scene = responseScene(folder.path, { announce: undefined });
    const ports = recorder(scene);
    const first = await openIncident(scene.ports, OPENING);
    const recording = recordTask(ports, CALL);
    // A start is entered while the task goes on.
    while ((await recordsIn(scene, first.id)).length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await closeIncident(scene.ports, first.id);
    const second = await openIncident(scene.ports, OPENING);
    await recording.end({ exitCode: 0 });
    for (const { id } of [first, second]) {
      expect((await recordsIn(scene, id)).at(-1)).to.include({
        type: "task-ended",
      });
    }
    await recordTask(ports, CALL).end({ exitCode: 0 });
    expect((await recordsIn(scene, first.id)).at(-1)).to.include({ seq: 3 });
  });

  it("is entered without its run where that is damaged or unknown", async () => {
    const { scene, id } = await enter(wholeRun());
    const ports = recorder(scene);
    await recordTask(ports, CALL).end({ exitCode: 5, run: "other" });
    const last = (await recordsIn(scene, id)).at(-1);
    expect(last).to.include({ type: "task-ended", exitCode: 5 });
    expect(last).to.not.have.property("run");
  });

  it("leaves no folder where no incident was ever opened", async () => {
    const scene = responseScene(folder.path, { announce: undefined });
    const ports = recorder(scene);
    await recordTask(ports, CALL).end({ exitCode: 0 });
    expect(ports.failures).to.deep.equal([]);
    expect(existsSync(ports.incidents)).to.equal(false);
  });

  it("waits a bounded time for whoever writes the journal, and says so", async () => {
    const scene = responseScene(folder.path, { announce: undefined });
    const { id } = await openIncident(scene.ports, OPENING);
    const lock = await acquireLock(
      join(scene.ports.incidents, id),
      systemClock,
    );
    const ports = recorder(scene, { limitMs: 2000 });
    await recordTask(ports, CALL).end({ exitCode: 0 });
    expect(ports.failures).to.have.length(1);
    expect(ports.failures[0]).to.include(id);
    await lock.release();
    expect(await recordsIn(scene, id)).to.have.length(1);
  });

  it("isn't kept by a disk that doesn't answer", async () => {
    const scene = responseScene(folder.path, { announce: undefined });
    const { id } = await openIncident(scene.ports, OPENING);
    const lock = await acquireLock(
      join(scene.ports.incidents, id),
      systemClock,
    );
    // It is late as soon as somebody waits for the lock, and that one waits forever.
    const { clock } = scene;
    const waits = Promise.withResolvers<undefined>();
    const ports = recorder(scene, {
      limitMs: 100,
      clock: {
        now: () => clock.now(),
        sleep: async (milliseconds) => {
          if (milliseconds === 100) {
            await waits.promise;
            return;
          }
          waits.resolve(undefined);
          await new Promise(() => undefined);
        },
      },
    });
    await recordTask(ports, CALL).end({ exitCode: 0 });
    expect(ports.failures).to.deep.equal(["it takes longer than 0.1 s"]);
    await lock.release();
  });
});

describe("a task's arguments in a timeline", () => {
  it("are what was asked for, without what says nothing", () => {
    expect(
      describeArguments({
        all: true,
        dryRun: false,
        yes: true,
        json: true,
        to: "1.0.0",
        names: ["SkillProfile", "Endorsement"],
        route: undefined,
        from: "",
        limit: 5,
      }),
    ).to.deep.equal({
      all: "yes",
      to: "1.0.0",
      names: "SkillProfile Endorsement",
      limit: "5",
    });
  });

  it("never hold what opens something", () => {
    const secret = "5ecre7";
    for (const [name, value] of [
      ["privateRpc", secret],
      ["apiKey", secret],
      ["slackToken", secret],
      ["password", secret],
      ["where", `email = '${secret}'`],
      ["target", `https://user:${secret}@example.org/${secret}?key=${secret}`],
      ["url", `postgres://user:${secret}@db/takumi`],
      ["names", ["a", `wss://rpc.example/${secret}`]],
      ["x", `AGE-SECRET-KEY-${secret}`],
      ["to", "test test test test test test test test test test test junk"],
    ] as const) {
      const shown = JSON.stringify(describeArguments({ [name]: value }));
      expect(shown, name).to.not.include(secret);
      expect(shown, name).to.not.include("junk");
    }
    const shown = describeArguments({ url: `https://rpc.example/${secret}` });
    expect(shown).to.deep.equal({ url: "https://rpc.example" });
  });

  it("never hold 32 bytes, which may be a private key", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 40 }),
        fc.boolean(),
        fc.string(),
        (bytes, isPrefixed, around) => {
          const hex = Buffer.from(bytes).toString("hex");
          const text = `${around}${isPrefixed ? "0x" : ""}${hex}${around}`;
          const shown = JSON.stringify(describeArguments({ from: text }));
          expect(shown).to.not.include(hex.slice(10, 42));
        },
      ),
    );
  });
});
