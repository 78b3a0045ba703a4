import type { TargetFunction } from "./access-manager.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../core/hex.js";
import type { Authority, Mechanism, Permission } from "./authority.js";
import {
  readClaims,
  readOtherOwners,
  type Candidate,
  type Claims,
} from "./claims.js";
import { findGate, tryGate, type Gate, type PermissionQuery } from "./gate.js";
import type { AuthorityGraph } from "./graph.js";
import { readHiddenOwner } from "./hidden-owner.js";
import { readListedMembers, readLoggedMembers } from "./role-members.js";
import { readRoleName } from "./role-name.js";
import { readRoles } from "./roles.js";

export const ABSENT: Permission = {
  mechanism: { kind: "absent" },
  holders: [],
  confirmed: true,
};
const UNKNOWN: Permission = {
  mechanism: { kind: "unknown" },
  holders: [],
  confirmed: false,
};
const OPEN: Permission = {
  mechanism: { kind: "open" },
  holders: [{ kind: "anyone" }],
  confirmed: true,
};

type RoleMechanism = Mechanism & { readonly kind: "role" };
type Guarded = Gate & { readonly kind: "guarded" };

interface Tried extends Candidate {
  readonly result: "succeeds" | "passes" | "refused";
  readonly authority: Authority;
}

/**
 * Who may make the first of these calls. A contract's refusal of a stranger
 * tells by what rule it goes; those whom that rule names are then let try,
 * in a simulation at the reader's block.
 *
 * @throws {DrError} when the chain couldn't be asked.
 */
export async function findPermission(
  graph: AuthorityGraph,
  query: PermissionQuery,
): Promise<Permission> {
  const [gate, claims] = await Promise.all([
    findGate(graph.reader, query),
    readClaims(graph.reader, query.to),
  ]);
  switch (gate.kind) {
    case "absent":
      return ABSENT;
    case "open":
      return OPEN;
    case "guarded":
      return await findHolders(graph, query, gate, claims);
  }
}

async function findHolders(
  graph: AuthorityGraph,
  query: PermissionQuery,
  gate: Guarded,
  claims: Claims,
): Promise<Permission> {
  switch (gate.denial?.by) {
    case "owner":
      return await confirmOwner(graph, query, gate, claims);
    case "role":
      return await confirmRole(graph, query, gate, claims, gate.denial.role);
    case "access-manager":
      return await findManaged(graph, query, gate, claims);
    case "state":
    case undefined:
      return await confirmAnything(graph, query, gate, claims);
  }
}

async function confirmOwner(
  graph: AuthorityGraph,
  query: PermissionQuery,
  gate: Guarded,
  claims: Claims,
): Promise<Permission> {
  const { owner } = claims;
  if (owner?.address === ZERO_ADDRESS) {
    const { mechanism } = owner;
    return { mechanism, holders: [{ kind: "nobody" }], confirmed: true };
  }
  const tried =
    owner === undefined ? [] : await letTry(graph, query, gate, [owner]);
  return (
    toPermission(tried) ?? (await confirmAnything(graph, query, gate, claims))
  );
}

async function confirmRole(
  graph: AuthorityGraph,
  query: PermissionQuery,
  gate: Guarded,
  claims: Claims,
  role: Hex,
): Promise<Permission> {
  const { to } = query;
  const [mechanism, members] = await Promise.all([
    nameRole(graph, to, role),
    readMembers(graph, to, role, claims),
  ]);
  if (members === undefined) {
    return { mechanism, holders: [{ kind: "unlisted" }], confirmed: false };
  }
  const candidates = members.map((address) => ({ address, mechanism }));
  const tried = await letTry(graph, query, gate, candidates);
  return (
    toPermission(tried) ?? {
      mechanism,
      holders: tried.map(({ authority }) => authority),
      confirmed: tried.length === 0,
    }
  );
}

/** Through its AccessManager, which itself says whom it would let through. */
async function findManaged(
  graph: AuthorityGraph,
  query: PermissionQuery,
  gate: Guarded,
  { manager }: Claims,
): Promise<Permission> {
  if (manager === undefined) {
    return UNKNOWN;
  }
  const authority = await graph.resolve(manager, functionOf(query, gate));
  if (authority.kind !== "access-manager") {
    return UNKNOWN;
  }
  return {
    mechanism: { kind: "access-manager" },
    holders: [authority],
    confirmed: authority.members.every(
      ({ authority: member }) => member.kind !== "unlisted",
    ),
  };
}

/** The refusal isn't understood: all whom the contract names in any way try. */
async function confirmAnything(
  graph: AuthorityGraph,
  query: PermissionQuery,
  gate: Guarded,
  claims: Claims,
): Promise<Permission> {
  const { owner, manager } = claims;
  const { to, implementation } = query;
  const [members, others, hidden] = await Promise.all([
    readAllMembers(graph, query),
    readOtherOwners(graph.reader, to),
    implementation === undefined || gate.denial?.by !== "owner"
      ? []
      : readHiddenOwner(graph.reader, to, implementation),
  ]);
  const candidates = [
    ...members,
    ...others,
    ...hidden,
    ...(owner ? [owner] : []),
  ].filter(({ address }) => address !== ZERO_ADDRESS);
  const [tried, managed] = await Promise.all([
    letTry(graph, query, gate, candidates),
    manager === undefined ? UNKNOWN : findManaged(graph, query, gate, claims),
  ]);
  return (
    toPermission(tried) ??
    (managed.mechanism.kind === "unknown" && tried.length > 0
      ? refusesAll(tried, gate)
      : managed)
  );
}

/** Nobody got further than a stranger: perhaps nobody can. */
function refusesAll(tried: readonly Tried[], { reason }: Guarded): Permission {
  const to = [...new Set(tried.map(({ address }) => address))];
  return {
    ...UNKNOWN,
    mechanism: { kind: "unknown", refused: { to, reason } },
  };
}

/** Members of all roles; of the likeliest first, of DEFAULT_ADMIN_ROLE last. */
async function readAllMembers(
  graph: AuthorityGraph,
  { to, roleHint = "" }: PermissionQuery,
): Promise<readonly Candidate[]> {
  const roles = ((await readRoles(graph, to)) ?? []).toReversed();
  return [true, false].flatMap((likely) =>
    roles
      .filter(({ name }) => (name?.includes(roleHint) === true) === likely)
      .flatMap(({ members, role, name }) =>
        members.map((address) => ({
          address,
          mechanism: roleMechanism(role, name),
        })),
      ),
  );
}

async function readMembers(
  graph: AuthorityGraph,
  to: Address,
  role: Hex,
  { listsMembers }: Claims,
): Promise<readonly Address[] | undefined> {
  const listed = listsMembers
    ? await readListedMembers(graph.reader, to, role)
    : undefined;
  return listed ?? (await readLoggedMembers(graph, to, role));
}

async function nameRole(
  { reader }: AuthorityGraph,
  to: Address,
  role: Hex,
): Promise<RoleMechanism> {
  return roleMechanism(role, await readRoleName(reader, to, role));
}

function roleMechanism(role: Hex, name: string | undefined): RoleMechanism {
  return { kind: "role", role, ...(name === undefined ? {} : { name }) };
}

async function letTry(
  graph: AuthorityGraph,
  query: PermissionQuery,
  gate: Guarded,
  candidates: readonly Candidate[],
): Promise<readonly Tried[]> {
  return await Promise.all(
    candidates.map(async (candidate) => {
      const [result, authority] = await Promise.all([
        tryGate(graph.reader, query.to, candidate.address, gate.calls),
        graph.resolve(candidate.address, functionOf(query, gate)),
      ]);
      return { ...candidate, result, authority };
    }),
  );
}

function functionOf(
  { to }: PermissionQuery,
  { calls: [{ data }] }: Guarded,
): TargetFunction {
  return { target: to, selector: data.slice(0, 10) as Hex };
}

/**
 * Those who succeed, or else those who at least get past the gate.
 *
 * @returns undefined when none does.
 */
function toPermission(tried: readonly Tried[]): Permission | undefined {
  for (const result of ["succeeds", "passes"] as const) {
    const [first, ...rest] = tried.filter((each) => each.result === result);
    if (first !== undefined) {
      const others = rest.filter(({ address }) => address !== first.address);
      const holders = new Map(
        [first, ...others].map(({ address, authority }) => [
          address,
          authority,
        ]),
      );
      return {
        mechanism: first.mechanism,
        holders: [...holders.values()],
        confirmed: result === "succeeds",
      };
    }
  }
  return undefined;
}
