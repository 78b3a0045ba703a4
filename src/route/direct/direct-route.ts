import { BlockReader } from "../../chain/block-reader.js";
import { isDrError, DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import type { Step, StepLog, StepState } from "../../run/step.js";
import { selectMissing } from "../actions.js";
import type { Action, NewContract, Route } from "../route.js";
import { replayEntries } from "./attempts.js";
import { keyOf } from "./mined.js";
import { sendAll, type SendPorts } from "./send.js";

/** A node behind a load balancer may not have the block yet that its neighbour told of. */
const LOOKS = 5;

/** Sends calls from an account that Hardhat holds, all of them at once. */
export class DirectRoute implements Route {
  readonly kind = "direct";
  readonly #ports: SendPorts;

  constructor(ports: SendPorts) {
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
        approval: describeActions(signer.address, actions),
        check: async (log) => await this.#check(actions, log),
        run: async (log) => {
          await sendAll(this.#ports, actions.map(toOutgoing), log);
        },
        verify: async () => {
          await this.#verify(actions);
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
        await sendAll(this.#ports, [outgoing], log);
      },
      verify: async () => {
        if (!(await isMade())) {
          const { block } = await BlockReader.at(rpc);
          throw new DrError("NOT_IN_EFFECT", { label, block: block.number });
        }
      },
    };
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

  async #verify(actions: readonly Action[]): Promise<void> {
    const { rpc, clock, pollMs } = this.#ports;
    for (let look = 1; ; look += 1) {
      const reader = await BlockReader.at(rpc);
      const [first] = await selectMissing(reader, actions);
      if (first === undefined) {
        return;
      }
      if (look === LOOKS) {
        throw new DrError("NOT_IN_EFFECT", {
          label: first.call.label,
          block: reader.block.number,
        });
      }
      await clock.sleep(pollMs);
    }
  }
}

/** Ready, or blocked by what the check throws. */
async function readyUnless(check: () => Promise<void>): Promise<StepState> {
  try {
    await check();
    return { status: "ready" };
  } catch (error) {
    if (isDrError(error)) {
      return { status: "blocked", error };
    }
    throw error;
  }
}

/** What is approved: who sends what. */
export function describeActions(
  from: Address,
  actions: readonly Action[],
): {
  readonly route: string;
  readonly from: Address;
  readonly calls: readonly {
    readonly contracts: readonly string[];
    readonly label: string;
    readonly to: Address;
    readonly value: string;
    readonly data: Hex;
  }[];
} {
  return {
    route: "direct",
    from,
    calls: actions.map(({ contracts, call }) => ({
      contracts,
      label: call.label,
      to: call.to,
      value: String(call.value),
      data: call.data,
    })),
  };
}

function toOutgoing(action: Action): {
  readonly key: string;
  readonly to: Address;
  readonly value: bigint;
  readonly data: Hex;
  readonly label: string;
  readonly isDone: Action["isDone"];
} {
  const { contracts, call, isDone } = action;
  return { key: keyOf(contracts), ...call, isDone };
}
