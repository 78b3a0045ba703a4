import * as OxAddress from "ox/Address";

import { BlockReader, readBlock } from "../../chain/block-reader.js";
import { sameAddress, type Address, type Hex } from "../../core/hex.js";
import type { DeployFile } from "../../deployments/deploy-file.js";
import { readDeployFile } from "../../deployments/read.js";
import { inspectProxy } from "../../proxy/inspect.js";
import { runOnFork, type RehearsedRun } from "../../rehearsal/run-plan.js";
import { measureTime, readBlockSeconds } from "../../rehearsal/timing.js";
import { readTransactionsAfter } from "../../rehearsal/transactions.js";
import type { Plan } from "../../run/plan.js";
import type { RunEvent } from "../../run/runner.js";
import type { ForkSession } from "../../session/fork-session.js";
import { prepareRollback, prepareUpgrade } from "../../session/procedure.js";
import { compareContracts } from "../../snapshot/compare.js";
import { readChainState } from "../../snapshot/read-state.js";
import type { Snapshot } from "../../snapshot/snapshot.js";
import { DrError, messageOf } from "../../core/errors.js";
import { notItsOwn, type Mark } from "../mark.js";
import type { ContractReport } from "../report.js";
import { sabotage } from "../sabotage.js";
import type { Copy } from "./copy.js";

/** What a rollback took, in seconds beyond what was measured here: blocks and delays of the real chain. */
export interface ChainRecovery {
  readonly onChainSeconds: number;
}

/** A fork of the network, with the contracts of deploy.json on it. */
export class ChainCopy implements Copy {
  readonly part = "contracts";
  readonly #forked: ForkSession;
  readonly #file: DeployFile;
  readonly #baseline: Snapshot["contracts"];
  readonly #since: bigint;
  readonly #mark: Mark;
  readonly #onEvent: (event: RunEvent) => void;

  private constructor(
    forked: ForkSession,
    file: DeployFile,
    baseline: Snapshot["contracts"],
    since: bigint,
    mark: Mark,
    onEvent: (event: RunEvent) => void,
  ) {
    this.#forked = forked;
    this.#file = file;
    this.#baseline = baseline;
    this.#since = since;
    this.#mark = mark;
    this.#onEvent = onEvent;
  }

  /** Marks a fork as the drill's, and remembers how the contracts are. */
  static async open(
    forked: ForkSession,
    mark: Mark,
    onEvent: (event: RunEvent) => void,
  ): Promise<ChainCopy> {
    const { fork, session } = forked;
    const { address, word } = markOnChain(mark);
    await fork.provider.request({
      method: "hardhat_setStorageAt",
      params: [address, "0x0", word],
    });
    await fork.provider.request({ method: "evm_mine" });
    const path = `${session.ports.folder}/deploy.json`;
    const { file } = await readDeployFile(path);
    const { contracts } = await readChainState(fork.rpc, file, {}, path);
    const { number } = await readBlock(fork.rpc, "latest");
    return new ChainCopy(forked, file, contracts, number, mark, onEvent);
  }

  /** `deployments/<network>` of the fork, which recoveries write to. */
  get folder(): string {
    return this.#forked.session.ports.folder;
  }

  get summary(): string {
    const names = Object.keys(this.#baseline);
    return `${names.join(", ")}: implementations, state and storage as they were`;
  }

  get contracts(): readonly Pick<
    ContractReport,
    "name" | "proxy" | "implementation" | "codeHash"
  >[] {
    return Object.entries(this.#baseline).flatMap(([name, state]) =>
      state.kind === "missing" || state.codeHash === null
        ? []
        : [
            {
              name,
              proxy: state.proxy,
              implementation: state.implementation,
              codeHash: state.codeHash,
            },
          ],
    );
  }

  /** By the very RPC that is recovered on. */
  async requireOwn(): Promise<void> {
    const { session, original } = this.#forked;
    const { address, word } = markOnChain(this.#mark);
    const read = async ({
      rpc,
    }: {
      readonly rpc: ForkSession["fork"]["rpc"];
    }) =>
      (await rpc.request("eth_getStorageAt", [
        address,
        "0x0",
        "latest",
      ])) as Hex;
    const [here, there] = await Promise.all([
      read(session.ports),
      read(original.ports),
    ]);
    if (BigInt(here) !== BigInt(word) || BigInt(there) === BigInt(word)) {
      throw notItsOwn(session.ports.rpc.network);
    }
  }

  async differences(): Promise<readonly string[]> {
    const { rpc } = this.#forked.fork;
    const { contracts } = await readChainState(
      rpc,
      this.#file,
      {},
      "deploy.json",
    );
    const changes = compareContracts(this.#baseline, contracts).map(
      ({ contract, field, before, now }) =>
        `${contract}: ${field} is ${JSON.stringify(now)} instead of ${JSON.stringify(before)}.`,
    );
    return [...changes, ...(await this.#storageDifferences())];
  }

  /**
   * Upgrades contracts, the way that their authority allows, to an
   * implementation whose functions for users are gone.
   *
   * @param names - As in deploy.json; none: all that can be upgraded.
   * @param to - A contract of the project instead, or an implementation's address.
   * @returns the names of those that were.
   * @throws {DrError} DRILL_NOT_ITS_OWN, and whatever the upgrade is refused with.
   */
  async upgradeBadly(
    names: readonly string[],
    to?: string,
  ): Promise<readonly string[]> {
    const { session, fork } = this.#forked;
    const upgraded: string[] = [];
    for (const { name, proxy } of this.contracts) {
      const reader = await BlockReader.at(fork.rpc);
      const state = await inspectProxy(reader, proxy);
      const isWanted = names.length === 0 || names.includes(name);
      if (!isWanted || state === undefined || state.kind === "plain") {
        continue;
      }
      await this.requireOwn();
      const target = to ?? (await this.#plantBad(name, state.implementation));
      const { plan } = await prepareUpgrade(session, {
        name,
        to: target,
        constructorArguments: [],
      });
      await this.#carryOut("dr:upgrade", plan);
      upgraded.push(name);
    }
    return upgraded;
  }

  /** The very plan of `dr:rollback --all`. @throws {DrError} DRILL_RECOVERY_FAILED, and what it is refused with. */
  async rollBack(names: readonly string[]): Promise<ChainRecovery> {
    const { session, fork, original } = this.#forked;
    const started = performance.now();
    const { plan, resolution } = await prepareRollback(session, {
      names,
      all: names.length === 0,
      to: "previous",
      pause: true,
      keepPaused: false,
      acceptedSlots: [],
    });
    const planned = (performance.now() - started) / 1000;
    const [refused] = resolution.refused;
    if (refused !== undefined) {
      throw refused.error;
    }
    const { steps } = await this.#carryOut("dr:rollback", plan);
    const blockSeconds = await readBlockSeconds(
      original.ports.rpc,
      fork.origin,
    );
    const { confirmations } = original;
    const { recovered } = measureTime(plan.procedure, steps, {
      planned,
      blockSeconds,
      confirmations,
    });
    return {
      onChainSeconds:
        (recovered?.onChainSeconds ?? 0) - (recovered?.seconds ?? 0),
    };
  }

  async #carryOut(task: string, plan: Plan): Promise<RehearsedRun> {
    const { fork, session, absent } = this.#forked;
    const { clock } = session.ports;
    const onEvent = this.#onEvent;
    const run = await runOnFork(plan, fork, { clock, onEvent, absent });
    if (run.outcome.status === "failed") {
      throw new DrError(
        "DRILL_RECOVERY_FAILED",
        { task, exitCode: 5, reason: messageOf(run.outcome.error) },
        { cause: run.outcome.error },
      );
    }
    return run;
  }

  async #plantBad(name: string, implementation: Address): Promise<Address> {
    const { fork } = this.#forked;
    const code = await (await BlockReader.at(fork.rpc)).code(implementation);
    const bad = OxAddress.checksum(
      `0x${this.#mark.token.slice(0, 24)}${Buffer.from(name).toString("hex").padStart(16, "0").slice(-16)}`,
    );
    await fork.provider.request({
      method: "hardhat_setCode",
      params: [bad, sabotage(code, implementation, bad)],
    });
    await fork.provider.request({ method: "evm_mine" });
    return bad;
  }

  /** Each slot of the contracts, of their beacons and their admins, that any transaction has left otherwise. */
  async #storageDifferences(): Promise<readonly string[]> {
    const accounts = new Map(
      Object.entries(this.#baseline).flatMap(([name, state]) =>
        state.kind === "missing"
          ? []
          : [state.proxy, state.beacon]
              .filter((one) => one !== null)
              .map((one) => [one.toLowerCase(), name] as const),
      ),
    );
    const transactions = await readTransactionsAfter(
      this.#forked.fork.rpc,
      this.#since,
    );
    const slots = new Map<string, { before: Hex; after: Hex; name: string }>();
    for (const { address, storage } of transactions.flatMap(
      ({ changes }) => changes,
    )) {
      const name = accounts.get(address.toLowerCase());
      for (const { slot, before, after } of name === undefined ? [] : storage) {
        const key = `${address} ${slot}`;
        const first = slots.get(key)?.before ?? before;
        slots.set(key, { before: first, after, name: name ?? "" });
      }
    }
    return [...slots].flatMap(([key, { before, after, name }]) =>
      sameAddress(before, after)
        ? []
        : [
            `${name}: storage slot ${key.split(" ")[1] ?? ""} is ${after} instead of ${before}.`,
          ],
    );
  }
}

/** On the fork alone, where anything can be written anywhere. */
function markOnChain({ token }: Mark): {
  readonly address: Address;
  readonly word: Hex;
} {
  return { address: `0x${token.slice(0, 40)}`, word: `0x${token}` };
}
