import type { Call } from "../../core/call.js";
import type { Address } from "../../core/hex.js";
import {
  encodeManagedExecute,
  encodeManagedSchedule,
} from "../../timelock/managed-operation.js";

/** A call, announced to an AccessManager for the earliest time it allows. */
export function managedScheduling(manager: Address, call: Call): Call {
  return {
    to: manager,
    value: 0n,
    data: encodeManagedSchedule(call.to, call.data),
    label: `AccessManager.schedule(${call.label})`,
  };
}

/** A call, made by an AccessManager. */
export function managedExecution(manager: Address, call: Call): Call {
  return {
    to: manager,
    value: call.value,
    data: encodeManagedExecute(call.to, call.data),
    label: `AccessManager.execute(${call.label})`,
  };
}
