import { getSignPayload } from "ox/TypedData";

import { BlockReader } from "../chain/block-reader.js";
import { sameAddress, type Address } from "../core/hex.js";
import { readDeployFile } from "../deployments/read.js";
import { selectContracts } from "../deployments/select.js";
import { approveAsOwner } from "../rehearsal/approve-as-owner.js";
import { findAuthorityAccounts } from "../rehearsal/authority-accounts.js";
import {
  impersonate,
  openFork,
  type CreateSimulation,
  type Fork,
} from "../rehearsal/fork.js";
import type { Actor } from "../rehearsal/rehearse.js";
import { copyToScratch } from "../rehearsal/scratch-folder.js";
import { encodeApproval } from "../safe/owner-signature.js";
import {
  openSession,
  type Session,
  type SessionOptions,
  type SessionSource,
} from "./open-session.js";
import type { Selection } from "./procedure.js";

/** A session on a fork, beside the session on the chain that it copies. */
export interface ForkSession {
  readonly fork: Fork;
  readonly session: Session;
  readonly original: Session;
  /** Who may act on the fork. */
  readonly actors: readonly Actor[];
  /** Who can't, not as an owner of a Safe either. */
  readonly absent: readonly Address[];
}

export interface ForkOptions extends Omit<
  SessionOptions,
  "impersonate" | "privateRpc"
> {
  /** Also act as whoever has the authority over these, held or not. */
  readonly authorityOver: Selection | "nothing";
  /** Who can't act, as if they weren't to be reached. */
  readonly absent?: readonly Address[];
}

/**
 * Works on a fork of a network, with a copy of its deployments; both are gone
 * afterwards. Nothing is sent to the network, nothing of its folder is written.
 *
 * @throws {DrError} FORK_FAILED, and what opening a session may throw.
 */
export async function withFork<T>(
  source: SessionSource,
  createSimulation: CreateSimulation,
  { from, authorityOver, absent = [], ...options }: ForkOptions,
  work: (fork: ForkSession) => Promise<T>,
): Promise<T> {
  const original = await openSession(source, options);
  const { folder, rpc } = original.ports;
  const scratch = await copyToScratch(folder);
  try {
    const fork = await openFork(rpc, createSimulation);
    try {
      const present =
        from === undefined
          ? await findActors(original, fork, authorityOver)
          : [from as Address];
      const addresses = present.filter(
        (one) => !absent.some((gone) => sameAddress(gone, one)),
      );
      const actors = await Promise.all(
        addresses.map(async (address) => ({
          ...(await impersonate(fork, address)),
          held: isHeld(original, address),
        })),
      );
      const session = await openSession(
        {
          ...source,
          networkConfig: fork.networkConfig,
          provider: fork.provider,
          config: {
            ...source.config,
            // Nobody else knows the fork.
            rpcQuorum: { every: [], byNetwork: {} },
            paths: { ...source.config.paths, deployments: scratch.deployments },
          },
        },
        // The fork mines a transaction at once and nothing after it.
        {
          ...options,
          impersonate: addresses,
          confirmations: 1,
          snapshots: false,
          signTypedData: async (owner, data) => {
            const hash = getSignPayload(data as never);
            const safe = data.domain.verifyingContract;
            await approveAsOwner(fork, safe, owner, hash);
            return encodeApproval(owner);
          },
        },
      );
      return await work({ fork, session, original, actors, absent });
    } finally {
      await fork.close();
    }
  } finally {
    await scratch.remove();
  }
}

/** Those of this machine first: what they may do they do on the real chain too. */
async function findActors(
  { ports: { accounts, folder, rpc } }: Session,
  { origin }: Fork,
  over: ForkOptions["authorityOver"],
): Promise<readonly Address[]> {
  if (over === "nothing") {
    return accounts;
  }
  const [{ file }, reader] = await Promise.all([
    readDeployFile(`${folder}/deploy.json`),
    BlockReader.at(rpc, origin.number),
  ]);
  const proxies = selectContracts(file, over.names, over.all).map(
    ({ record }) => record.proxy,
  );
  const found = await findAuthorityAccounts(reader, file, proxies);
  return [
    ...accounts,
    ...found.accounts.filter(
      (address) => !accounts.some((own) => sameAddress(own, address)),
    ),
  ];
}

function isHeld({ ports: { accounts } }: Session, address: Address): boolean {
  return accounts.some((own) => sameAddress(own, address));
}
