import { BlockReader } from "../../chain/block-reader.js";
import type { Rpc } from "../../chain/rpc.js";
import { formatDuration } from "../../core/duration.js";
import { DrError } from "../../core/errors.js";
import { formatTime } from "../../core/time.js";
import type { Hex } from "../../core/hex.js";
import type { Step, StepState } from "../../run/step.js";
import {
  hashManagedOperation,
  readSchedule,
} from "../../timelock/managed-operation.js";
import { selectMissing } from "../actions.js";
import { callerOf, type ManagedChoice } from "../choice.js";
import type { Action, OpenRoute, Route } from "../route.js";
import { managedExecution, managedScheduling } from "./calls.js";

export interface ManagedRoutePorts {
  readonly rpc: Rpc;
  readonly openRoute: OpenRoute;
}

/** Lets an AccessManager make calls, for a member of the role that may. */
export class ManagedRoute implements Route {
  readonly kind = "access-manager";
  readonly #ports: ManagedRoutePorts;
  readonly #choice: ManagedChoice;

  constructor(ports: ManagedRoutePorts, choice: ManagedChoice) {
    this.#ports = ports;
    this.#choice = choice;
  }

  toSteps(
    id: string,
    title: string,
    actions: readonly Action[],
  ): readonly Step[] {
    const { member, manager, delaySeconds } = this.#choice;
    const route = this.#ports.openRoute(member);
    const delay = formatDuration(BigInt(delaySeconds));
    if (BigInt(delaySeconds) === 0n) {
      return route.toSteps(
        id,
        title,
        actions.map((action) => this.#execution(action)),
      );
    }
    return [
      ...route.toSteps(
        `${id}:schedule`,
        `${title}: schedule it in the AccessManager ${manager}, delay ${delay}`,
        actions.map((action) => this.#scheduling(action)),
      ),
      this.#wait(`${id}:wait`, actions),
      ...route.toSteps(
        `${id}:execute`,
        `${title}: execute it in the AccessManager`,
        actions.map((action) => this.#execution(action)),
      ),
    ];
  }

  #operationOf({ call }: Action): Hex {
    const caller = callerOf(this.#choice.member);
    return hashManagedOperation(caller, call.to, call.data);
  }

  #scheduling(action: Action): Action {
    const { manager } = this.#choice;
    const { call, isDone } = action;
    return {
      ...action,
      call: managedScheduling(manager, call),
      isDone: async (reader) =>
        (await readSchedule(reader, manager, this.#operationOf(action))) !==
          undefined || (await isDone(reader)),
    };
  }

  #execution(action: Action): Action {
    const { manager, delaySeconds } = this.#choice;
    const { call, assertFresh } = action;
    return {
      ...action,
      call: managedExecution(manager, call),
      assertFresh: async (reader) => {
        await assertFresh?.(reader);
        if (BigInt(delaySeconds) > 0n) {
          await this.#readReadyAt(reader, action);
        }
      },
    };
  }

  #wait(id: string, actions: readonly Action[]): Step {
    const { manager, delaySeconds } = this.#choice;
    return {
      id,
      title: `Wait for the AccessManager: ${formatDuration(BigInt(delaySeconds))}`,
      reversibility: "reversible",
      approval: {
        manager,
        operations: actions.map((action) => this.#operationOf(action)),
        delaySeconds,
      },
      check: async () => await this.#readiness(actions),
      run: () => Promise.resolve(),
      verify: () => Promise.resolve(),
    };
  }

  async #readiness(actions: readonly Action[]): Promise<StepState> {
    const reader = await BlockReader.at(this.#ports.rpc);
    const missing = await selectMissing(reader, actions);
    const times = await Promise.all(
      missing.map(async (action) => await this.#readReadyAt(reader, action)),
    );
    const readyAt = times.reduce((last, one) => (one > last ? one : last), 0n);
    if (readyAt <= reader.block.timestamp) {
      return { status: "done" };
    }
    const left = formatDuration(readyAt - reader.block.timestamp);
    return {
      status: "waiting",
      reason: `The AccessManager ${this.#choice.manager} lets it be executed from ${formatTime(readyAt)} on, in ${left}.`,
      until: { kind: "time", readyAt },
    };
  }

  /** @throws {DrError} MANAGED_SCHEDULE_GONE: it was cancelled, or has expired. */
  async #readReadyAt(reader: BlockReader, action: Action): Promise<bigint> {
    const { manager } = this.#choice;
    const operation = this.#operationOf(action);
    const schedule = await readSchedule(reader, manager, operation);
    if (schedule === undefined) {
      throw new DrError("MANAGED_SCHEDULE_GONE", {
        label: action.call.label,
        operation,
        manager,
      });
    }
    return schedule.readyAt;
  }
}
