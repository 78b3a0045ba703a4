import * as OxAddress from "ox/Address";

import { BlockReader } from "../../chain/block-reader.js";
import { encodeMethodCall, parseMethodCall } from "../../chain/method-call.js";
import type { Call } from "../../core/call.js";
import { canonicalJson, type Json } from "../../core/canonical-json.js";
import { DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import { findContract } from "../../deployments/select.js";
import type { RouteChoice } from "../../route/choice.js";
import type { Plan } from "../../run/plan.js";
import {
  encodeSchedule,
  hashOperation,
  NO_PREDECESSOR,
  type Operation,
} from "../../timelock/operation.js";
import {
  readMinDelay,
  readOperationState,
  type OperationState,
} from "../../timelock/operation-state.js";
import { findRound } from "../../timelock/salt.js";
import { readContractAbi } from "../contract-abi.js";
import { readWorld, type RecoveryPorts, type World } from "../ports.js";
import { requireRoute, stepsFor } from "../routing.js";
import { labelCalls } from "./call-labels.js";
import { chooseTimelock } from "./choose-timelock.js";
import { KNOWN_FUNCTIONS, TIMELOCK_FUNCTIONS } from "./known-functions.js";
import { readPower } from "./power.js";
import { tolerantStep } from "./tolerant-step.js";
import { formatTime } from "../../core/time.js";

export interface ScheduleOptions {
  /** `NAME.method(arguments)`, one or more; several are one batch. */
  readonly calls: readonly string[];
  readonly timelock?: Address;
  /** Default: derived from the calls and from what the timelock has done. */
  readonly salt?: Hex;
  readonly predecessor?: Hex;
  /** Default: the least that the timelock takes. */
  readonly delaySeconds?: bigint;
}

/** An operation to be scheduled, with nothing left open. */
export interface ScheduleIntent {
  readonly timelock: Address;
  readonly id: Hex;
  readonly calls: readonly {
    readonly to: Address;
    readonly data: Hex;
    /** In words. */
    readonly label: string;
  }[];
  readonly predecessor: Hex;
  readonly salt: Hex;
  readonly delaySeconds: string;
  readonly route: RouteChoice;
}

export interface ScheduleResolution {
  readonly intent: ScheduleIntent;
  readonly chainId: number;
}

/**
 * Makes an operation of calls as people write them, and finds who of us may
 * schedule it.
 *
 * @throws {DrError} CALL_INVALID, CONTRACT_UNKNOWN, NOT_A_TIMELOCK,
 * TIMELOCK_NOT_NAMED, OPERATION_DELAY_TOO_SHORT, OPERATION_ALREADY_SCHEDULED,
 * OPERATION_ALREADY_DONE, AUTHORITY_ELSEWHERE.
 */
export async function resolveSchedule(
  ports: RecoveryPorts,
  options: ScheduleOptions,
): Promise<ScheduleResolution> {
  const world = await readWorld(ports);
  const timelock = await chooseTimelock(world, options.timelock);
  const [calls, delaySeconds] = await Promise.all([
    readCalls(ports, world, timelock, options.calls),
    chooseDelay(world, timelock, options.delaySeconds),
  ]);
  const { id, operation } = await makeOperation(
    world,
    timelock,
    calls,
    options,
  );
  const { predecessor, salt } = operation;
  const call = scheduleCall({
    timelock,
    id,
    calls,
    predecessor,
    salt,
    delaySeconds: String(delaySeconds),
  });
  const route = await requireRoute(
    ports,
    world.reader,
    call,
    async () => await readPower(world, timelock, "propose"),
  );
  return {
    intent: {
      timelock,
      id,
      calls,
      predecessor,
      salt,
      delaySeconds: String(delaySeconds),
      route,
    },
    chainId: world.chainId,
  };
}

async function readCalls(
  ports: RecoveryPorts,
  { reader, document: { file } }: World,
  timelock: Address,
  texts: readonly string[],
): Promise<ScheduleIntent["calls"]> {
  if (texts.length === 0) {
    throw new DrError("CALL_INVALID", {
      call: "(none)",
      reason: "no call is given",
    });
  }
  const calls = await Promise.all(
    texts.map(async (text) => {
      const call = parseMethodCall(text);
      const { name, method } = call;
      if (name === "timelock") {
        const data = encodeMethodCall(call, TIMELOCK_FUNCTIONS);
        return { to: timelock, data };
      }
      if (/^0x[0-9a-fA-F]{40}$/.test(name)) {
        const data = encodeMethodCall(call, KNOWN_FUNCTIONS);
        return { to: OxAddress.checksum(name), data };
      }
      const record = findContract(file, name);
      const abi = await readContractAbi(reader, ports, { name, record });
      const has = (abi ?? []).some(
        (item) => (item as { readonly name?: string }).name === method,
      );
      return {
        to: record.proxy,
        data: encodeMethodCall(call, has ? abi : KNOWN_FUNCTIONS),
      };
    }),
  );
  const labels = await labelCalls(
    {
      reader,
      ports,
      file,
      governance: { timelocks: [timelock], managers: [] },
    },
    calls,
  );
  return calls.map((call, index) => ({ ...call, label: labels[index] ?? "" }));
}

async function chooseDelay(
  { reader }: World,
  timelock: Address,
  wanted: bigint | undefined,
): Promise<bigint> {
  const minimum = await readMinDelay(reader, timelock);
  const delay = wanted ?? minimum;
  if (delay < minimum) {
    throw tooShort(timelock, delay, minimum);
  }
  return delay;
}

/** With the salt that is given, or that of the first round that isn't done. */
async function makeOperation(
  { reader }: World,
  timelock: Address,
  calls: ScheduleIntent["calls"],
  { salt: given, predecessor = NO_PREDECESSOR }: ScheduleOptions,
): Promise<{ readonly id: Hex; readonly operation: Operation }> {
  const operationOf = (salt: Hex): Operation =>
    toOperation({ calls, predecessor, salt });
  const { id, operation, state } =
    given === undefined
      ? await findRound(
          reader,
          timelock,
          operationOf,
          canonicalJson({
            predecessor,
            calls: calls.map(({ to, data }) => ({ to, data })),
          }),
        )
      : await lookAt(reader, timelock, operationOf(given));
  switch (state.status) {
    case "unset":
      return { id, operation };
    case "done":
      throw new DrError("OPERATION_ALREADY_DONE", { id });
    case "waiting":
    case "ready":
      throw new DrError("OPERATION_ALREADY_SCHEDULED", {
        id,
        readyAt: formatTime(state.readyAt),
      });
  }
}

async function lookAt(
  reader: BlockReader,
  timelock: Address,
  operation: Operation,
): Promise<{
  readonly id: Hex;
  readonly operation: Operation;
  readonly state: OperationState;
}> {
  const id = hashOperation(operation);
  const state = await readOperationState(reader, timelock, id);
  return { id, operation, state };
}

/** The plan of a schedule, from its intent alone. */
export function buildSchedulePlan(
  ports: RecoveryPorts,
  chainId: number,
  intent: ScheduleIntent,
): Plan {
  const { timelock, id, calls, route, delaySeconds } = intent;
  const isDone = async (reader: BlockReader): Promise<boolean> =>
    (await readOperationState(reader, timelock, id)).status !== "unset";
  return {
    procedure: "timelock-schedule",
    network: ports.network,
    chainId,
    intent: intent as unknown as Json,
    steps: stepsFor(
      "schedule",
      () => `Schedule ${calls.map(({ label }) => label).join(", then ")}`,
      [
        {
          action: {
            contracts: ["timelock"],
            call: scheduleCall(intent),
            isDone,
            assertFresh: async (reader) => {
              const minimum = await readMinDelay(reader, timelock);
              if (BigInt(delaySeconds) < minimum) {
                throw tooShort(timelock, BigInt(delaySeconds), minimum);
              }
            },
          },
          route,
        },
      ],
      ports.openRoute,
    ).map((step) => tolerantStep(step, ports.rpc, isDone)),
    notes: [
      `Operation ${id}; it may be executed ${delaySeconds} s after it is scheduled.`,
    ],
    assertFresh: () => Promise.resolve(),
  };
}

function scheduleCall(intent: Omit<ScheduleIntent, "route">): Call {
  const { timelock, calls, delaySeconds } = intent;
  return {
    to: timelock,
    value: 0n,
    data: encodeSchedule(toOperation(intent), BigInt(delaySeconds)),
    label: `timelock.schedule(${calls.map(({ label }) => label).join(", ")})`,
  };
}

function toOperation({
  calls,
  predecessor,
  salt,
}: Pick<ScheduleIntent, "calls" | "predecessor" | "salt">): Operation {
  return {
    calls: calls.map(({ to, data }) => ({ to, value: 0n, data })),
    predecessor,
    salt,
  };
}

function tooShort(timelock: Address, delay: bigint, minimum: bigint): DrError {
  return new DrError("OPERATION_DELAY_TOO_SHORT", { timelock, delay, minimum });
}

/** How it stands with what was scheduled. */
export async function readScheduled(
  { rpc }: Pick<RecoveryPorts, "rpc">,
  { timelock, id }: Pick<ScheduleIntent, "timelock" | "id">,
): Promise<OperationState> {
  return await readOperationState(await BlockReader.at(rpc), timelock, id);
}
