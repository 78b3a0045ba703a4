import { BlockReader } from "../../chain/block-reader.js";
import { DrError } from "../../core/errors.js";
import type { Step, StepLog, StepState } from "../../run/step.js";
import { selectMissing } from "../actions.js";
import { describeCalls } from "../approval.js";
import { readyUnless } from "../readiness.js";
import type { Action, NewContract, Route } from "../route.js";
import { replayEntries } from "./attempts.js";
import { keysOf } from "./mined.js";
import { sendAll, type Outgoing, type SendPorts } from "./send.js";
import type { Turns } from "./turns.js";

/**
 * A node behind a load balancer may not have the block yet that its neighbour
 * told of; a busy one may show a receipt before its block.
 */
const LOOKS = 5;
const PATIENCE_MS = 2_000;

export interface DirectRoutePorts extends SendPorts {
  /** Shared by all who send from the same accounts. */
  readonly turns: Turns;
}

/** Sends calls from an account that Hardhat holds, all of them at once. */
export class DirectRoute implements Route {
  readonly kind = "direct";
  readonly #ports: DirectRoutePorts;

  constructor(ports: DirectRoutePorts) {
    this.#ports = ports;
  }

  toSteps(
    id: string,
    title: string,
    actions: readonly Action[],
  ): readonly Step[] {
    const { signer } = this.#ports;
    return [
      {
        id,
        title: `${title}, from ${signer.address}`,
        reversibility: "reversible",
        approval: {
          route: "direct",
          from: signer.address,
          calls: describeCalls(actions),
        },
        check: async (log) => await this.#check(actions, log),
        run: async (log) => {
          await this.send(toOutgoing(actions), log);
        },
        verify: async () => {
          await this.requireInEffect(actions);
        },
      },
    ];
  }

  /** The creation of a contract; nobody else's authority is needed for that. */
  toDeployStep(id: string, contract: NewContract): Step {
    const { signer, rpc } = this.#ports;
    const { label, initCode, isDone, assertFresh } = contract;
    const outgoing = { key: id, value: 0n, data: initCode, label, isDone };
    const isMade = async () => await isDone(await BlockReader.at(rpc));
    return {
      id,
      title: `${label}, from ${signer.address}`,
      reversibility: "irreversible",
      approval: { route: "direct", from: signer.address, initCode },
      check: async (log) => {
        if (await isMade()) {
          return { status: "done" };
        }
        return replayEntries(log.entries).live.size > 0
          ? { status: "ready" }
          : await readyUnless(async () => {
              await assertFresh(await BlockReader.at(rpc));
            });
      },
      run: async (log) => {
        await this.send([outgoing], log);
      },
      verify: async () => {
        if (!(await isMade())) {
          const { block } = await BlockReader.at(rpc);
          throw new DrError("NOT_IN_EFFECT", { label, block: block.number });
        }
      },
    };
  }

  /** Makes transactions, each exactly once; see `sendAll`. */
  async send(outgoing: readonly Outgoing[], log: StepLog): Promise<void> {
    const { turns, signer } = this.#ports;
    await turns.take(signer.address, async () => {
      await sendAll(this.#ports, outgoing, log);
    });
  }

  async #check(actions: readonly Action[], log: StepLog): Promise<StepState> {
    const reader = await BlockReader.at(this.#ports.rpc);
    const missing = await selectMissing(reader, actions);
    const isUnderWay = replayEntries(log.entries).live.size > 0;
    return missing.length === 0 && !isUnderWay
      ? { status: "done" }
      : await readyUnless(async () => {
          await Promise.all(
            missing.map(async ({ assertFresh }) => await assertFresh?.(reader)),
          );
        });
  }

  /** @throws {DrError} NOT_IN_EFFECT. */
  async requireInEffect(actions: readonly Action[]): Promise<void> {
    const { rpc, clock, pollMs } = this.#ports;
    const since = clock.now().getTime();
    for (let look = 1; ; look += 1) {
      const reader = await BlockReader.at(rpc);
      const [first] = await selectMissing(reader, actions);
      if (first === undefined) {
        return;
      }
      const isLate = clock.now().getTime() - since >= PATIENCE_MS;
      if (look >= LOOKS && isLate) {
        throw new DrError("NOT_IN_EFFECT", {
          label: first.call.label,
          block: reader.block.number,
        });
      }
      await clock.sleep(pollMs);
    }
  }
}

function toOutgoing(actions: readonly Action[]): Outgoing[] {
  const keys = keysOf(actions);
  return actions.map(({ call, isDone }, index) => ({
    key: keys[index] ?? "",
    ...call,
    isDone,
  }));
}
