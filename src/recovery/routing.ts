import type { BlockReader } from "../chain/block-reader.js";
import type { SimulatedCall } from "../chain/simulate.js";
import type { Permission } from "../authority/authority.js";
import { formatPermission } from "../authority/describe.js";
import type { Call } from "../core/call.js";
import { DrError } from "../core/errors.js";
import { contractsOf } from "../route/actions.js";
import { findCandidates, type RoutePreference } from "../route/candidates.js";
import {
  actorOf,
  callerOf,
  firstSafeOf,
  totalDelay,
  type RouteChoice,
} from "../route/choice.js";
import { chooseSenders, maySend } from "../route/choose.js";
import type { RoutedAction } from "../route/access-manager/unwrap.js";
import type { OpenRoute } from "../route/route.js";
import { groupByRoute } from "../route/seal.js";
import type { Step } from "../run/step.js";
import type { RecoveryPorts } from "./ports.js";

/** What is to be made happen, and who may. */
export interface RouteRequest {
  readonly call: Call;
  /** Asked only when no account of this machine may by itself. */
  readonly permission: () => Promise<Permission>;
  readonly preference: RoutePreference;
  /** Calls that will have gone before it. */
  readonly before?: readonly SimulatedCall[];
}

/**
 * The way in which a call is made to happen from this machine: by one of its
 * accounts where one may, else through those who may.
 *
 * @returns undefined when there is none.
 */
export async function chooseRoute(
  reader: BlockReader,
  ports: Pick<RecoveryPorts, "accounts" | "goesBy">,
  request: RouteRequest,
): Promise<RouteChoice | undefined> {
  const [route] = await chooseRoutes(reader, ports, [request]);
  return route;
}

/**
 * The same for a call that somebody asks for by hand.
 *
 * @throws {DrError} AUTHORITY_ELSEWHERE, NOBODY_MAY, REFUSES_EVERYONE.
 */
export async function requireRoute(
  ports: Pick<RecoveryPorts, "accounts" | "goesBy">,
  reader: BlockReader,
  call: Call,
  permission: () => Promise<Permission>,
): Promise<RouteChoice> {
  const route = await chooseRoute(reader, ports, {
    call,
    permission,
    preference: "fastest",
  });
  if (route === undefined) {
    throw authorityElsewhere(call, await permission());
  }
  return route;
}

/** The way of one of those who may, and of nobody else. */
export async function chooseHolder(
  reader: BlockReader,
  { accounts }: Pick<RecoveryPorts, "accounts">,
  call: Call,
  permission: Permission,
): Promise<RouteChoice | undefined> {
  const candidates = findCandidates(permission, accounts, "fastest");
  return await firstThatMay(reader, { call }, candidates);
}

/** @returns one for each request, in order. */
export async function chooseRoutes(
  reader: BlockReader,
  { accounts, goesBy }: Pick<RecoveryPorts, "accounts" | "goesBy">,
  requests: readonly RouteRequest[],
): Promise<readonly (RouteChoice | undefined)[]> {
  const senders =
    goesBy === undefined || goesBy === "direct"
      ? await chooseSenders(reader, requests, accounts)
      : [];
  return await Promise.all(
    requests.map(async (request, index) => {
      const from = senders[index];
      if (from !== undefined) {
        return { kind: "direct", from };
      }
      const { permission, preference } = request;
      const candidates = findCandidates(
        await permission(),
        accounts,
        preference,
      ).filter((route) => goesBy === undefined || actorOf(route) === goesBy);
      return await firstThatMay(reader, request, candidates);
    }),
  );
}

async function firstThatMay(
  reader: BlockReader,
  request: Pick<RouteRequest, "call" | "before">,
  candidates: readonly RouteChoice[],
): Promise<RouteChoice | undefined> {
  const answers = await Promise.all(
    candidates.map(
      async (route) =>
        // It lets nothing through that wasn't scheduled before.
        (route.kind === "access-manager" && totalDelay(route) > 0n) ||
        (await maySend(reader, request, callerOf(route))),
    ),
  );
  return candidates.find((_, index) => answers[index] === true);
}

/**
 * Says precisely who must act, and what they must send; or that nobody can.
 *
 * @returns AUTHORITY_ELSEWHERE, NOBODY_MAY or REFUSES_EVERYONE.
 */
export function authorityElsewhere(
  { label, to, value, data }: Call,
  permission: Permission,
): DrError {
  const { mechanism } = permission;
  const why = whyNobody(permission);
  if (why !== undefined) {
    return new DrError("NOBODY_MAY", { label, why });
  }
  if (mechanism.kind === "unknown" && mechanism.refused !== undefined) {
    return new DrError("REFUSES_EVERYONE", {
      label,
      refused: mechanism.refused.to.join(", "),
      reason: mechanism.refused.reason,
      to,
      value,
      data,
    });
  }
  return new DrError("AUTHORITY_ELSEWHERE", {
    label,
    who: formatPermission(permission),
    to,
    value,
    data,
  });
}

/** Undefined when somebody may, or it can't be told. */
function whyNobody({
  mechanism,
  holders,
  confirmed,
}: Permission): string | undefined {
  if (mechanism.kind === "absent") {
    return "the contract has no such function";
  }
  if (!confirmed || holders.some(({ kind }) => kind !== "nobody")) {
    return undefined;
  }
  switch (mechanism.kind) {
    case "role":
      return `no account holds ${mechanism.name ?? mechanism.role}`;
    case "owner":
      return `${mechanism.getter}() is the zero address`;
    case "proxy-admin":
      return `the owner of ${mechanism.address}, which administers it, is the zero address`;
    case "proxy-admin-slot":
    case "access-manager":
    case "open":
    case "unknown":
      return undefined;
  }
}

/**
 * The steps for actions of any routes: those of one route go together, and none
 * waits for another, but for those of one Safe: it has one next nonce.
 *
 * @param titleOf - For people, given the contracts' names.
 */
export function stepsFor(
  id: string,
  titleOf: (names: readonly string[]) => string,
  actions: readonly RoutedAction[],
  openRoute: OpenRoute,
): readonly Step[] {
  const groups = groupByRoute(actions);
  const stepsOfGroups = [...groups.values()].map((group, index) => {
    const [first] = group;
    if (first === undefined) {
      return [];
    }
    const { route } = first;
    const own = groups.size === 1 ? id : `${id}:${String(index + 1)}`;
    const lane = firstSafeOf(route) ?? own;
    return openRoute(route)
      .toSteps(
        own,
        titleOf(contractsOf(group.map(({ action }) => action))),
        group.map(({ action }) => action),
      )
      .map((step) => ({ ...step, batch: id, lane }));
  });
  // What is done at once stands first.
  return stepsOfGroups.toSorted((a, b) => a.length - b.length).flat();
}
