import type { Permission } from "../../authority/authority.js";
import { AuthorityGraph } from "../../authority/graph.js";
import {
  CANCELLER_ROLE,
  EXECUTOR_ROLE,
  PROPOSER_ROLE,
} from "../../authority/timelock.js";
import type { Address, Hex } from "../../core/hex.js";
import type { World } from "../ports.js";
import { scanStart } from "../scan-start.js";

/** What someone may do with a timelock's operations. */
export type Power = "propose" | "execute" | "cancel";

const ROLES: Readonly<
  Record<Power, { readonly id: Hex; readonly name: string }>
> = {
  propose: { id: PROPOSER_ROLE, name: "PROPOSER_ROLE" },
  execute: { id: EXECUTOR_ROLE, name: "EXECUTOR_ROLE" },
  cancel: { id: CANCELLER_ROLE, name: "CANCELLER_ROLE" },
};

/** Everyone who has the power, followed to the ends. */
export async function readPower(
  { reader, document: { file } }: World,
  timelock: Address,
  power: Power,
): Promise<Permission> {
  const graph = new AuthorityGraph(reader, scanStart(file));
  const authority = await graph.resolve(timelock);
  const { id, name } = ROLES[power];
  const mechanism = { kind: "role", role: id, name } as const;
  if (authority.kind !== "timelock") {
    return { mechanism, holders: [], confirmed: false };
  }
  const { proposers, executors, cancellers, openExecutor } = authority;
  switch (power) {
    case "propose":
      return { mechanism, holders: proposers, confirmed: true };
    case "execute":
      return {
        mechanism,
        holders: openExecutor ? [{ kind: "anyone" }] : executors,
        confirmed: true,
      };
    case "cancel":
      return {
        mechanism,
        // Before OpenZeppelin 4.6 proposers cancel.
        holders: cancellers.length === 0 ? proposers : cancellers,
        confirmed: true,
      };
  }
}
