import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { systemClock, type Clock } from "../../src/core/clock.js";
import type { Hex } from "../../src/core/hex.js";
import { rebuildPlan } from "../../src/recovery/procedures.js";
import { conductPlan, resumeRun } from "../../src/run/conduct.js";
import { findRun } from "../../src/run/list-runs.js";
import {
  openSession,
  type SessionSource,
} from "../../src/session/open-session.js";
import { prepareRollback } from "../../src/session/procedure.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requireAnvil, startAnvil, type Anvil } from "../helpers/anvil.js";
import { connectTo } from "../helpers/connect-anvil.js";
import {
  breakPlatform,
  deployPlatform,
  type Platform,
} from "../helpers/deploy-platform.js";
import {
  initialize,
  platformProxies,
  sessionSource,
} from "../helpers/recovery-session.js";

/** Of anvil's first account; everybody knows it. */
const KEY =
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const TRANSACTIONS = { stuckAfterSeconds: 5, giveUpAfterSeconds: 3 };
const ALL = {
  names: [],
  all: true,
  pause: true,
  keepPaused: false,
  acceptedSlots: [],
};

/** `before`: the k-th record never reaches the disk. `after`: it does, and nothing more happens. */
type Moment = "before" | "after";

/** A process that dies at its k-th journal record. */
class Mortal {
  dead = false;
  #records = 0;
  readonly #k: number;
  readonly #moment: Moment;

  constructor(k: number, moment: Moment) {
    this.#k = k;
    this.#moment = moment;
  }

  /** The journal asks for the time once a record. */
  readonly clock: Clock = {
    now: () => {
      this.#dieIfDead();
      this.#records += 1;
      // The lock and the run's name ask for it first.
      if (this.#records - 2 === this.#k) {
        this.dead = true;
        if (this.#moment === "before") {
          this.#dieIfDead();
        }
      }
      return systemClock.now();
    },
    sleep: async (...args) => {
      await systemClock.sleep(...args);
    },
  };

  /** A dead process asks the chain nothing. */
  wrap(source: SessionSource): SessionSource {
    const { provider } = source;
    const request = async (args: { method: string; params?: unknown[] }) => {
      this.#dieIfDead();
      return (await provider.request(args)) as unknown;
    };
    return { ...source, provider: { request } as never };
  }

  #dieIfDead(): void {
    if (this.dead) {
      throw new Error("killed");
    }
  }
}

interface SentTransaction {
  readonly to: Hex;
  readonly input: Hex;
  readonly nonce: Hex;
}

function describeCrashes(
  title: string,
  open: () => Promise<NetworkConnection>,
  isOver: (connection: NetworkConnection) => Promise<void>,
): void {
  describe(title, function () {
    this.timeout(300_000);
    const folder = useTemporaryFolder();
    let connection: NetworkConnection;
    let platform: Platform;

    before(async () => {
      connection = await open();
      platform = await deployPlatform(connection);
      await breakPlatform(connection, platform);
    });

    after(async () => {
      await isOver(connection);
    });

    for (const moment of ["before", "after"] as const) {
      it(`ends the same when killed ${moment} any record`, async () => {
        const source = sessionSource(connection, folder.path, {
          transactions: TRANSACTIONS,
        });
        await initialize(source, platformProxies(platform));
        const path = join(folder.path, source.networkName, "deploy.json");
        const text = await readFile(path, "utf8");
        let died = true;
        let k = 1;
        for (; died; k += 1) {
          const snapshot = (await request(connection, "evm_snapshot")) as Hex;
          const start = await height(connection);
          await writeFile(path, text);
          died = await runUntilDeath(source, new Mortal(k, moment));
          if (died) {
            await resume(source);
          }
          await expectRecovered(connection, source, start);
          await request(connection, "evm_revert", [snapshot]);
        }
        expect(k).to.be.greaterThan(15);
      });
    }
  });
}

async function runUntilDeath(
  source: SessionSource,
  mortal: Mortal,
): Promise<boolean> {
  const session = await openSession(mortal.wrap(source));
  const { plan } = await prepareRollback(session, ALL);
  try {
    const { outcome } = await conductPlan(plan, {
      folder: session.ports.folder,
      clock: mortal.clock,
      toolVersion: "test",
    });
    expect(outcome.status).to.equal("done");
    return false;
  } catch (error) {
    if (!mortal.dead) {
      throw error;
    }
    return true;
  }
}

/** As a new process does: with what it finds on the disk and the chain. */
async function resume(source: SessionSource): Promise<void> {
  const session = await openSession(source);
  const { ports } = session;
  const run = await findRun(ports.folder, undefined).catch(() => undefined);
  if (run === undefined) {
    // Killed before the first record: nothing was approved, so it starts anew.
    const { plan } = await prepareRollback(session, ALL);
    await conductPlan(plan, {
      folder: ports.folder,
      clock: systemClock,
      toolVersion: "test",
    });
    return;
  }
  const { outcome } = await resumeRun(
    run,
    async (started) => await rebuildPlan(ports, started),
    { folder: ports.folder, clock: systemClock, toolVersion: "test" },
  );
  if (outcome.status === "failed") {
    throw outcome.error;
  }
  expect(outcome.status).to.equal("done");
}

async function expectRecovered(
  connection: NetworkConnection,
  source: SessionSource,
  start: number,
): Promise<void> {
  const session = await openSession(source);
  const { readStatus } = await import("../../src/recovery/status.js");
  const { contracts } = await readStatus(session.ports);
  for (const contract of contracts) {
    expect(contract).to.include({ version: "1.0.0", paused: false });
    expect(contract.drift).to.deep.equal([]);
  }
  const sent = await transactionsSince(connection, start);
  const calls = sent.map(({ to, input }) => `${to} ${input}`);
  expect(new Set(calls).size, "a call was sent twice").to.equal(calls.length);
  expect(calls).to.have.lengthOf(9);
  const nonces = sent.map(({ nonce }) => Number(nonce)).sort((a, b) => a - b);
  expect(nonces).to.deep.equal(nonces.map((_, index) => nonces[0]! + index));
}

async function transactionsSince(
  connection: NetworkConnection,
  start: number,
): Promise<SentTransaction[]> {
  const end = await height(connection);
  const found: SentTransaction[] = [];
  for (let block = start + 1; block <= end; block += 1) {
    const { transactions } = (await request(
      connection,
      "eth_getBlockByNumber",
      [`0x${block.toString(16)}`, true],
    )) as { transactions: SentTransaction[] };
    found.push(...transactions);
  }
  return found;
}

async function height(connection: NetworkConnection): Promise<number> {
  return Number(await request(connection, "eth_blockNumber"));
}

async function request(
  { provider }: NetworkConnection,
  method: string,
  params: unknown[] = [],
): Promise<unknown> {
  return await provider.request({ method, params });
}

describeCrashes(
  "a rollback on the embedded chain",
  async () => await hre.network.create(),
  async (connection) => {
    await connection.close();
  },
);

describe("a rollback on anvil", function () {
  let anvil: Anvil;
  before(async function () {
    requireAnvil(this);
    anvil = await startAnvil();
  });
  describeCrashes(
    "with a key of this process",
    async () => await connectTo(anvil.url, { accounts: [KEY] }),
    async () => {
      await anvil.stop();
    },
  );
});
