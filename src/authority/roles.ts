import type { Address, Hex } from "../core/hex.js";
import { hasRoles } from "./claims.js";
import type { AuthorityGraph } from "./graph.js";
import { readLoggedMembers } from "./role-members.js";
import { readRoleName } from "./role-name.js";

/** A role of an AccessControl contract. */
export interface RoleHolders {
  readonly role: Hex;
  /** Where it is known. */
  readonly name?: string;
  readonly members: readonly Address[];
}

/**
 * The roles of a contract that were ever granted, and who holds them: by its
 * events, confirmed by `hasRole`. None of a contract without roles.
 *
 * @returns undefined when the node's logs don't tell.
 */
export async function readRoles(
  graph: AuthorityGraph,
  contract: Address,
): Promise<readonly RoleHolders[] | undefined> {
  if (!(await hasRoles(graph.reader, contract))) {
    return [];
  }
  const { grants, isKept } = await graph.roleLog.read(contract);
  if (!isKept) {
    return undefined;
  }
  const roles = [...new Set(grants.map(({ role }) => role))].sort();
  return await Promise.all(
    roles.map(async (role) => {
      const [name, members] = await Promise.all([
        readRoleName(graph.reader, contract, role),
        readLoggedMembers(graph, contract, role),
      ]);
      return {
        role,
        ...(name === undefined ? {} : { name }),
        members: members ?? [],
      };
    }),
  );
}
