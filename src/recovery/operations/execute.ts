import type { Permission } from "../../authority/authority.js";
import { AuthorityGraph } from "../../authority/graph.js";
import type { BlockReader } from "../../chain/block-reader.js";
import { explainRevert } from "../../chain/revert-reason.js";
import type { Call } from "../../core/call.js";
import type { Json } from "../../core/canonical-json.js";
import { DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import { findCandidates } from "../../route/candidates.js";
import { callerOf, type RouteChoice } from "../../route/choice.js";
import type { Plan } from "../../run/plan.js";
import { encodeManagedExecute } from "../../timelock/managed-operation.js";
import { encodeExecute, NO_PREDECESSOR } from "../../timelock/operation.js";
import { readOperationState } from "../../timelock/operation-state.js";
import { readWorld, type RecoveryPorts, type World } from "../ports.js";
import {
  notesOf,
  readBefore,
  recordExecutionStep,
  type BeforeExecution,
} from "../record-execution.js";
import {
  authorityElsewhere,
  chooseHolder,
  chooseRoute,
  stepsFor,
} from "../routing.js";
import { mayMove } from "../safe/effects.js";
import { scanStart } from "../scan-start.js";
import { labelCalls } from "./call-labels.js";
import { completeOperation, findScheduled, type FindOptions } from "./find.js";
import { callsOf, endingOf, type ScheduledOperation } from "./list.js";
import { readPower } from "./power.js";
import {
  assertStanding,
  placeOf,
  readStanding,
  type OperationPlace,
} from "./standing.js";
import { tolerantStep } from "./tolerant-step.js";
import { formatTime } from "../../core/time.js";

export interface ExecuteOptions extends FindOptions {
  /** Where the chain doesn't tell it. */
  readonly salt?: Hex;
}

/** An operation to be executed, with nothing left open. */
export interface ExecuteIntent {
  readonly place: OperationPlace;
  /** In words, what it does. */
  readonly labels: readonly string[];
  readonly data: Hex;
  readonly route: RouteChoice;
  /** Absent when it can't move anything. */
  readonly before?: BeforeExecution;
}

export type ExecuteResolution =
  | {
      readonly status: "ready";
      readonly intent: ExecuteIntent;
      readonly chainId: number;
    }
  /** Somebody was faster. */
  | { readonly status: "done"; readonly id: Hex; readonly tx: Hex | undefined };

/**
 * Finds an operation and who of us may execute it, and tries that.
 *
 * @throws {DrError} OPERATION_UNKNOWN, OPERATION_NOT_READY,
 * OPERATION_CANCELLED, OPERATION_EXPIRED, OPERATION_PREDECESSOR_NOT_DONE,
 * OPERATION_SALT_UNKNOWN, OPERATION_SALT_WRONG, OPERATION_WOULD_REVERT,
 * AUTHORITY_ELSEWHERE.
 */
export async function resolveExecute(
  ports: RecoveryPorts,
  options: ExecuteOptions,
): Promise<ExecuteResolution> {
  const world = await readWorld(ports);
  const { operation, governance } = await findScheduled(world, options);
  const { id, state } = operation;
  switch (state.status) {
    case "done":
    case "executed":
      return { status: "done", id, tx: endingOf(operation) };
    case "unset":
    case "cancelled":
      throw new DrError("OPERATION_CANCELLED", {
        id,
        tx: endingOf(operation) ?? "(unknown)",
      });
    case "expired":
      throw new DrError("OPERATION_EXPIRED", {
        id,
        expiredAt: formatTime(state.expiredAt),
      });
    case "waiting":
      throw new DrError("OPERATION_NOT_READY", {
        id,
        seconds: state.readyAt - world.reader.block.timestamp,
        readyAt: formatTime(state.readyAt),
      });
    case "ready": {
      const labels = await labelCalls(
        { reader: world.reader, ports, file: world.document.file, governance },
        callsOf(operation),
      );
      const { data, route } =
        operation.kind === "timelock"
          ? await prepareTimelock(ports, world, operation, labels, options.salt)
          : await prepareManaged(ports, world, operation, labels);
      const before = mayMove(callsOf(operation))
        ? await readBefore(ports, world.reader)
        : undefined;
      return {
        status: "ready",
        intent: {
          place: placeOf(operation),
          labels,
          data,
          route,
          ...(before === undefined ? {} : { before }),
        },
        chainId: world.chainId,
      };
    }
  }
}

type Of<Kind extends ScheduledOperation["kind"]> = Extract<
  ScheduledOperation,
  { readonly kind: Kind }
>;

interface Prepared {
  readonly data: Hex;
  readonly route: RouteChoice;
}

/** Whoever has the executor's role. */
async function prepareTimelock(
  ports: RecoveryPorts,
  world: World,
  operation: Of<"timelock">,
  labels: readonly string[],
  salt: Hex | undefined,
): Promise<Prepared> {
  const { id, contract, predecessor } = operation;
  const { reader } = world;
  const data = encodeExecute(completeOperation(operation, salt));
  if (predecessor !== NO_PREDECESSOR) {
    const before = await readOperationState(reader, contract, predecessor);
    if (before.status !== "done") {
      throw new DrError("OPERATION_PREDECESSOR_NOT_DONE", { id, predecessor });
    }
  }
  const call = executeCall(contract, data, labels);
  const permission = async () => await readPower(world, contract, "execute");
  const route = await chooseRoute(reader, ports, {
    call,
    permission,
    preference: "fastest",
  });
  if (route === undefined) {
    throw await refusal(ports, reader, id, call, await permission(), {
      from: contract,
      calls: operation.calls,
      labels,
    });
  }
  return { data, route };
}

/** Only whoever scheduled it: of somebody else the manager would take it for a call of their own. */
async function prepareManaged(
  ports: RecoveryPorts,
  { reader, document: { file } }: World,
  { id, contract, caller, target, data }: Of<"access-manager">,
  labels: readonly string[],
): Promise<Prepared> {
  const execute = encodeManagedExecute(target, data);
  const call = executeCall(contract, execute, labels);
  const graph = new AuthorityGraph(reader, scanStart(file));
  const permission: Permission = {
    mechanism: { kind: "access-manager" },
    holders: [await graph.resolve(caller)],
    confirmed: true,
  };
  const route = await chooseHolder(reader, ports, call, permission);
  if (route === undefined) {
    throw await refusal(ports, reader, id, call, permission);
  }
  return { data: execute, route };
}

/** Why nobody here can execute it: none of those who may is here, or the call itself fails. */
async function refusal(
  { accounts }: Pick<RecoveryPorts, "accounts">,
  reader: BlockReader,
  id: Hex,
  call: Call,
  permission: Permission,
  inner?: InnerCalls,
): Promise<DrError> {
  const [holder] = findCandidates(permission, accounts, "fastest");
  return holder === undefined
    ? authorityElsewhere(call, permission)
    : await wouldRevert(reader, id, call, callerOf(holder), inner);
}

async function wouldRevert(
  reader: BlockReader,
  id: Hex,
  { to, data }: Call,
  from: Address,
  inner?: InnerCalls,
): Promise<DrError> {
  const [outcome, innerReason] = await Promise.all([
    reader.callRaw({ from, to, data }),
    inner === undefined ? undefined : findInnerReason(reader, inner),
  ]);
  const reason = outcome.ok ? "no reason given" : explainRevert(outcome.error);
  return new DrError("OPERATION_WOULD_REVERT", {
    id,
    reason: innerReason ?? reason,
  });
}

/** What the timelock itself would call. */
interface InnerCalls {
  readonly from: Address;
  readonly calls: readonly { readonly to: Address; readonly data: Hex }[];
  readonly labels: readonly string[];
}

/** OpenZeppelin 4 says of an inner revert only that there was one. */
async function findInnerReason(
  reader: BlockReader,
  { from, calls, labels }: InnerCalls,
): Promise<string | undefined> {
  const outcomes = await Promise.all(
    calls.map(async ({ to, data }) => await reader.callRaw({ from, to, data })),
  );
  const failing = outcomes.findIndex(({ ok }) => !ok);
  const outcome = outcomes[failing];
  return outcome === undefined || outcome.ok
    ? undefined
    : `${labels[failing] ?? "a call"}: ${explainRevert(outcome.error)}`;
}

function executeCall(to: Address, data: Hex, labels: readonly string[]): Call {
  return { to, value: 0n, data, label: `execute(${labels.join(", ")})` };
}

/** The plan of an execution, from its intent alone. */
export function buildExecutePlan(
  ports: RecoveryPorts,
  chainId: number,
  intent: ExecuteIntent,
): Plan {
  const { place, labels, data, route, before } = intent;
  const isDone = async (reader: BlockReader): Promise<boolean> =>
    (await readStanding(reader, place)) === "done";
  return {
    procedure: "timelock-execute",
    network: ports.network,
    chainId,
    intent: intent as unknown as Json,
    steps: [
      ...stepsFor(
        "execute",
        () => `Execute ${place.id}: ${labels.join(", then ")}`,
        [
          {
            action: {
              contracts: [place.kind],
              call: executeCall(place.contract, data, labels),
              isDone,
              assertFresh: async (reader) => {
                await assertStanding(reader, place, ["ready"]);
              },
            },
            route,
          },
        ],
        ports.openRoute,
      ).map((step) => tolerantStep(step, ports.rpc, isDone)),
      ...(before === undefined ? [] : [recordExecutionStep(ports, before)]),
    ],
    notes: notesOf(before),
    assertFresh: () => Promise.resolve(),
  };
}
