import { BlockReader } from "../../chain/block-reader.js";
import type { Rpc } from "../../chain/rpc.js";
import { formatDuration } from "../../core/duration.js";
import { DrError } from "../../core/errors.js";
import { formatTime } from "../../core/time.js";
import type { Hex } from "../../core/hex.js";
import type { Step, StepState } from "../../run/step.js";
import { hashOperation, type Operation } from "../../timelock/operation.js";
import {
  readMinDelay,
  readOperationState,
} from "../../timelock/operation-state.js";
import { areDone, assertAllFresh, callsOf, contractsOf } from "../actions.js";
import type { TimelockChoice } from "../choice.js";
import type { Action, OpenRoute, Route } from "../route.js";
import { executionCall, schedulingCall, toOperation } from "./calls.js";

export interface TimelockRoutePorts {
  readonly rpc: Rpc;
  readonly openRoute: OpenRoute;
}

/** Schedules one batch in a TimelockController, waits for its delay, executes it. */
export class TimelockRoute implements Route {
  readonly kind = "timelock";
  readonly #ports: TimelockRoutePorts;
  readonly #choice: TimelockChoice;

  constructor(ports: TimelockRoutePorts, choice: TimelockChoice) {
    this.#ports = ports;
    this.#choice = choice;
  }

  toSteps(
    id: string,
    title: string,
    actions: readonly Action[],
  ): readonly Step[] {
    const { timelock, proposer, executor, delaySeconds, round } = this.#choice;
    const { openRoute } = this.#ports;
    const operation = toOperation(timelock, callsOf(actions), round ?? 0);
    const delay = formatDuration(BigInt(delaySeconds));
    return [
      ...openRoute(proposer).toSteps(
        `${id}:schedule`,
        `${title}: schedule it in the timelock ${timelock}, delay ${delay}`,
        [this.#scheduling(operation, actions)],
      ),
      this.#wait(`${id}:wait`, operation, actions),
      ...openRoute(executor).toSteps(
        `${id}:execute`,
        `${title}: execute it in the timelock`,
        [this.#execution(operation, actions)],
      ),
    ];
  }

  #scheduling(operation: Operation, actions: readonly Action[]): Action {
    const { timelock } = this.#choice;
    const id = hashOperation(operation);
    return {
      contracts: contractsOf(actions),
      call: schedulingCall(this.#choice, operation, callsOf(actions)),
      isDone: async (reader) =>
        (await readOperationState(reader, timelock, id)).status !== "unset" ||
        (await areDone(reader, actions)),
      assertFresh: async (reader) => {
        await Promise.all([
          assertAllFresh(reader, actions),
          this.#assertDelay(reader),
        ]);
      },
    };
  }

  /** @throws {DrError} TIMELOCK_DELAY_RAISED: what was approved would revert. */
  async #assertDelay(reader: BlockReader): Promise<void> {
    const { timelock, delaySeconds } = this.#choice;
    const minimum = await readMinDelay(reader, timelock);
    if (minimum > BigInt(delaySeconds)) {
      throw new DrError("TIMELOCK_DELAY_RAISED", {
        timelock,
        approved: delaySeconds,
        minimum,
      });
    }
  }

  #wait(id: string, operation: Operation, actions: readonly Action[]): Step {
    const { timelock, delaySeconds } = this.#choice;
    const operationId = hashOperation(operation);
    return {
      id,
      title: `Wait for the timelock: ${formatDuration(BigInt(delaySeconds))}`,
      reversibility: "reversible",
      approval: { timelock, operation: operationId, delaySeconds },
      check: async () => await this.#readiness(operationId, actions),
      run: () => Promise.resolve(),
      verify: () => Promise.resolve(),
    };
  }

  async #readiness(
    operation: Hex,
    actions: readonly Action[],
  ): Promise<StepState> {
    const { timelock } = this.#choice;
    const reader = await BlockReader.at(this.#ports.rpc);
    const [state, isDone] = await Promise.all([
      readOperationState(reader, timelock, operation),
      areDone(reader, actions),
    ]);
    if (isDone) {
      return { status: "done" };
    }
    switch (state.status) {
      case "unset":
        return {
          status: "blocked",
          error: new DrError("TIMELOCK_CANCELLED", { operation, timelock }),
        };
      case "waiting": {
        const { readyAt } = state;
        const left = formatDuration(readyAt - reader.block.timestamp);
        return {
          status: "waiting",
          reason: `The timelock ${timelock} lets operation ${operation} be executed from ${formatTime(readyAt)} on, in ${left}.`,
          until: { kind: "time", readyAt },
        };
      }
      case "ready":
      case "done":
        return { status: "done" };
    }
  }

  #execution(operation: Operation, actions: readonly Action[]): Action {
    const { timelock } = this.#choice;
    const id = hashOperation(operation);
    return {
      contracts: contractsOf(actions),
      call: executionCall(this.#choice, operation, callsOf(actions)),
      // Whoever executed it: what counts is that it is in effect.
      isDone: async (reader) => await areDone(reader, actions),
      assertFresh: async (reader) => {
        const [state] = await Promise.all([
          readOperationState(reader, timelock, id),
          assertAllFresh(reader, actions),
        ]);
        if (state.status === "done") {
          throw new DrError("TIMELOCK_WITHOUT_EFFECT", {
            operation: id,
            timelock,
          });
        }
        if (state.status === "unset") {
          throw new DrError("TIMELOCK_CANCELLED", { operation: id, timelock });
        }
      },
    };
  }
}
