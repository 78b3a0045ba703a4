import { BlockReader } from "../../chain/block-reader.js";
import { isDrError, DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import type { Step, StepLog, StepState } from "../../run/step.js";
import type { Action, Route } from "../route.js";
import { replayEntries } from "./attempts.js";
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

  async #check(actions: readonly Action[], log: StepLog): Promise<StepState> {
    const reader = await BlockReader.at(this.#ports.rpc);
    const missing = await selectMissing(reader, actions);
    try {
      await Promise.all(
        missing.map(async ({ assertFresh }) => await assertFresh?.(reader)),
      );
    } catch (error) {
      if (isDrError(error)) {
        return { status: "blocked", error };
      }
      throw error;
    }
    const isUnderWay = replayEntries(log.entries).live.size > 0;
    return missing.length === 0 && !isUnderWay
      ? { status: "done" }
      : { status: "ready" };
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

async function selectMissing(
  reader: BlockReader,
  actions: readonly Action[],
): Promise<Action[]> {
  const done = await Promise.all(
    actions.map(async (action) => await action.isDone(reader)),
  );
  return actions.filter((_, index) => done[index] !== true);
}

/** What is approved: who sends what. */
export function describeActions(
  from: Address,
  actions: readonly Action[],
): {
  readonly route: string;
  readonly from: Address;
  readonly calls: readonly {
    readonly contract: string;
    readonly label: string;
    readonly to: Address;
    readonly value: string;
    readonly data: Hex;
  }[];
} {
  return {
    route: "direct",
    from,
    calls: actions.map(({ contract, call }) => ({
      contract,
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
  const { contract, call, isDone } = action;
  return { key: contract, ...call, isDone };
}
