import * as OxAddress from "ox/Address";

import type { BlockReader } from "../chain/block-reader.js";
import { ZERO_ADDRESS, type Address } from "../core/hex.js";
import type { TargetFunction } from "./access-manager.js";
import type { Authority, AuthorityEnd } from "./authority.js";
import { readNode, type AuthorityNode, type Link } from "./node.js";
import { RoleLog } from "./role-log.js";
import type { RoleReader } from "./role-members.js";

/** Deeper than anyone nests, so that hostile contracts can't lead on for ever. */
const MAX_DEPTH = 10;
/** The most accounts in one answer; shared ones count each time they appear. */
const MAX_SIZE = 2_000;

/**
 * Who stands behind an address, read from the chain at the reader's block.
 * Each account is read once, however many contracts it governs.
 */
export class AuthorityGraph implements RoleReader {
  readonly reader: BlockReader;
  readonly roleLog: RoleLog;
  readonly #nodes = new Map<string, Promise<AuthorityNode>>();

  /**
   * @param fromBlock - The oldest deployment known, 0 if none. It saves
   * looking for role events where there can't be any.
   */
  constructor(reader: BlockReader, fromBlock: bigint) {
    this.reader = reader;
    this.roleLog = new RoleLog(reader, fromBlock);
  }

  /**
   * Follows an address to the ends. A cycle is cut where it closes.
   *
   * @param wanted - What would be called from there: an AccessManager gives
   * every function to a role of its own.
   */
  async resolve(address: Address, wanted?: TargetFunction): Promise<Authority> {
    const root: Link = {
      address: OxAddress.checksum(address),
      ...(wanted === undefined ? {} : { wanted }),
    };
    const nodes = await this.#explore(root);
    return unfold(nodes, root, [], { left: MAX_SIZE });
  }

  readonly readAhead = (address: Address): void => {
    // Whoever needs the account in earnest meets the error, if there is one.
    this.#read({ address }).catch(() => undefined);
  };

  /** All accounts that can be reached, level by level. */
  async #explore(root: Link): Promise<Map<string, AuthorityNode>> {
    const found = new Map<string, AuthorityNode>();
    let level = [root];
    for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth += 1) {
      const nodes = await Promise.all(
        level.map(async (link) => await this.#read(link)),
      );
      nodes.forEach((node, index) => {
        const link = level[index];
        if (link !== undefined) {
          found.set(keyOf(link), node);
        }
      });
      const next = nodes.flatMap(linksOf).filter((l) => !found.has(keyOf(l)));
      level = [...new Map(next.map((link) => [keyOf(link), link])).values()];
      level = level.slice(0, MAX_SIZE);
    }
    return found;
  }

  async #read(link: Link): Promise<AuthorityNode> {
    const key = keyOf(link);
    let node = this.#nodes.get(key);
    if (node === undefined) {
      node = readNode(this, link);
      this.#nodes.set(key, node);
    }
    return await node;
  }
}

function keyOf({ address, wanted }: Link): string {
  return [address, wanted?.target, wanted?.selector].join().toLowerCase();
}

function linksOf(node: AuthorityNode): Link[] {
  return followersOf(node).filter((next): next is Link => !("kind" in next));
}

function followersOf(node: AuthorityNode): readonly (Link | AuthorityEnd)[] {
  switch (node.kind) {
    case "safe":
      return node.owners;
    case "timelock":
      return [...node.proposers, ...node.executors, ...node.cancellers];
    case "access-manager":
      return node.members.map(({ authority }) => authority);
    case "contract":
      return node.owner === undefined ? [] : [node.owner];
    case "eoa":
    case "nobody":
    case "anyone":
    case "unlisted":
    case "unfollowed":
      return [];
  }
}

/** The graph as a tree, seen from one account of it. */
function unfold(
  nodes: ReadonlyMap<string, AuthorityNode>,
  next: Link | AuthorityEnd,
  above: readonly Address[],
  size: { left: number },
): Authority {
  if ("kind" in next) {
    return next;
  }
  const { address } = next;
  if (above.includes(address)) {
    return { kind: "unfollowed", address, reason: "cycle" };
  }
  const node = nodes.get(keyOf(next));
  size.left -= 1;
  if (node === undefined || size.left < 0) {
    return { kind: "unfollowed", address, reason: "size" };
  }
  const path = address === ZERO_ADDRESS ? above : [...above, address];
  return withFollowers(node, (link) => unfold(nodes, link, path, size));
}

function withFollowers(
  node: AuthorityNode,
  follow: (next: Link | AuthorityEnd) => Authority,
): Authority {
  switch (node.kind) {
    case "safe":
      return { ...node, owners: node.owners.map(follow) };
    case "timelock":
      return {
        ...node,
        proposers: node.proposers.map(follow),
        executors: node.executors.map(follow),
        cancellers: node.cancellers.map(follow),
      };
    case "access-manager":
      return {
        ...node,
        members: node.members.map(({ authority, delaySeconds }) => ({
          authority: follow(authority),
          delaySeconds,
        })),
      };
    case "contract": {
      const { owner, ...contract } = node;
      return owner === undefined
        ? contract
        : { ...contract, owner: follow(owner) };
    }
    case "eoa":
    case "nobody":
    case "anyone":
    case "unlisted":
    case "unfollowed":
      return node;
  }
}
