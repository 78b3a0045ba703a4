import { AuthorityGraph } from "../../authority/graph.js";
import type { Permission } from "../../authority/authority.js";
import type { BlockReader } from "../../chain/block-reader.js";
import type { Call } from "../../core/call.js";
import type { Json } from "../../core/canonical-json.js";
import { DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import type { RouteChoice } from "../../route/choice.js";
import type { Plan } from "../../run/plan.js";
import { encodeManagedCancel } from "../../timelock/managed-operation.js";
import { encodeCancel } from "../../timelock/operation.js";
import { readWorld, type RecoveryPorts, type World } from "../ports.js";
import { requireRoute, stepsFor } from "../routing.js";
import { scanStart } from "../scan-start.js";
import { labelCalls } from "./call-labels.js";
import { findScheduled, type FindOptions } from "./find.js";
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

/** An operation to be cancelled, with nothing left open. */
export interface CancelIntent {
  readonly place: OperationPlace;
  /** In words, what it would have done. */
  readonly labels: readonly string[];
  readonly data: Hex;
  readonly route: RouteChoice;
}

export type CancelResolution =
  | {
      readonly status: "ready";
      readonly intent: CancelIntent;
      readonly chainId: number;
    }
  /** Somebody was faster. */
  | { readonly status: "done"; readonly id: Hex; readonly tx: Hex | undefined };

/**
 * Finds an operation and who of us may cancel it.
 *
 * @throws {DrError} OPERATION_UNKNOWN, OPERATION_ALREADY_DONE,
 * OPERATION_EXPIRED, AUTHORITY_ELSEWHERE.
 */
export async function resolveCancel(
  ports: RecoveryPorts,
  options: FindOptions,
): Promise<CancelResolution> {
  const world = await readWorld(ports);
  const { operation, governance } = await findScheduled(world, options);
  const { id, contract, state } = operation;
  switch (state.status) {
    case "unset":
    case "cancelled":
      return { status: "done", id, tx: endingOf(operation) };
    case "done":
    case "executed":
      throw new DrError("OPERATION_ALREADY_DONE", { id });
    case "expired":
      throw new DrError("OPERATION_EXPIRED", {
        id,
        expiredAt: formatTime(state.expiredAt),
      });
    case "waiting":
    case "ready": {
      const { reader, document, chainId } = world;
      const labels = await labelCalls(
        { reader, ports, file: document.file, governance },
        callsOf(operation),
      );
      const data = encode(operation);
      const call = cancelCall(contract, data, labels);
      const route = await requireRoute(
        ports,
        reader,
        call,
        async () => await whoMayCancel(world, operation),
      );
      const place = placeOf(operation);
      return {
        status: "ready",
        intent: { place, labels, data, route },
        chainId,
      };
    }
  }
}

function encode(operation: ScheduledOperation): Hex {
  return operation.kind === "timelock"
    ? encodeCancel(operation.id)
    : encodeManagedCancel(operation.caller, operation.target, operation.data);
}

/** Of a managed one also its role's guardians, whom the manager doesn't list. */
async function whoMayCancel(
  world: World,
  operation: ScheduledOperation,
): Promise<Permission> {
  const { contract } = operation;
  if (operation.kind === "timelock") {
    return await readPower(world, contract, "cancel");
  }
  const { reader, document } = world;
  const graph = new AuthorityGraph(reader, scanStart(document.file));
  const holders = await Promise.all(
    [operation.caller, contract].map(
      async (address) => await graph.resolve(address),
    ),
  );
  return { mechanism: { kind: "access-manager" }, holders, confirmed: true };
}

function cancelCall(to: Address, data: Hex, labels: readonly string[]): Call {
  return { to, value: 0n, data, label: `cancel(${labels.join(", ")})` };
}

/** The plan of a cancellation, from its intent alone. */
export function buildCancelPlan(
  ports: RecoveryPorts,
  chainId: number,
  intent: CancelIntent,
): Plan {
  const { place, labels, data, route } = intent;
  const isDone = async (reader: BlockReader): Promise<boolean> =>
    (await readStanding(reader, place)) === "cancelled";
  return {
    procedure: "timelock-cancel",
    network: ports.network,
    chainId,
    intent: intent as unknown as Json,
    steps: stepsFor(
      "cancel",
      () => `Cancel ${place.id}: ${labels.join(", then ")}`,
      [
        {
          action: {
            contracts: [place.kind],
            call: cancelCall(place.contract, data, labels),
            isDone,
            assertFresh: async (reader) => {
              await assertStanding(reader, place, ["waiting", "ready"]);
            },
          },
          route,
        },
      ],
      ports.openRoute,
    ).map((step) => tolerantStep(step, ports.rpc, isDone)),
    notes: [],
    assertFresh: () => Promise.resolve(),
  };
}
