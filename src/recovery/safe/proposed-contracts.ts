import * as OxAddress from "ox/Address";

import type { BlockReader } from "../../chain/block-reader.js";
import { DrError } from "../../core/errors.js";
import type { Address } from "../../core/hex.js";
import { readDeployFile } from "../../deployments/read.js";
import { readPaused } from "../../proxy/getters.js";
import { inspectProxy, readCodeHash } from "../../proxy/inspect.js";
import type { Subject } from "../../route/actions.js";
import type { ProposedContract } from "../../safe/proposal.js";

/** How a contract is now, as a proposal keeps it. */
export async function readProposedContract(
  reader: BlockReader,
  name: string,
  proxy: Address,
  target?: Address,
): Promise<ProposedContract> {
  const [state, paused, targetCodeHash] = await Promise.all([
    inspectProxy(reader, proxy),
    readPaused(reader, proxy),
    target === undefined ? undefined : readCodeHash(reader, target),
  ]);
  return {
    name,
    proxy: OxAddress.checksum(proxy),
    ...(state === undefined ? {} : { implementation: state.implementation }),
    ...(state?.admin === undefined ? {} : { admin: state.admin }),
    ...(paused === undefined ? {} : { paused }),
    ...(target === undefined ? {} : { target: OxAddress.checksum(target) }),
    ...(targetCodeHash === undefined ? {} : { targetCodeHash }),
  };
}

/**
 * How contracts of deploy.json stand when something is proposed for them.
 *
 * @param folder - `deployments/<network>`.
 */
export async function describeContracts(
  folder: string,
  reader: BlockReader,
  subjects: readonly Subject[],
): Promise<readonly ProposedContract[]> {
  const { file } = await readDeployFile(`${folder}/deploy.json`);
  return await Promise.all(
    subjects.flatMap(({ name, target }) => {
      // What is done to a timelock itself is for none of them.
      const record = file.contracts[name];
      return record === undefined
        ? []
        : [readProposedContract(reader, name, record.proxy, target)];
    }),
  );
}

/** A fact that a proposal rests on and that has changed. */
export interface Moved {
  readonly name: string;
  readonly what: string;
  readonly approved: string;
  readonly found: string;
}

const FACTS = [
  ["implementation", "implementation"],
  ["admin", "admin"],
  ["paused", "paused()"],
  ["targetCodeHash", "code at its new implementation"],
] as const;

/** What isn't as it was when it was proposed. */
export async function findMoved(
  reader: BlockReader,
  contracts: readonly ProposedContract[],
): Promise<readonly Moved[]> {
  const found = await Promise.all(
    contracts.map(
      async ({ name, proxy, target }) =>
        await readProposedContract(reader, name, proxy, target),
    ),
  );
  return contracts.flatMap((before, index) =>
    FACTS.flatMap(([fact, what]) => {
      const approved = before[fact];
      const now = found[index]?.[fact];
      // Where nothing was said of it, it may be either.
      const isFree = fact === "paused" && approved === undefined;
      return approved === now || isFree
        ? []
        : [
            {
              name: before.name,
              what,
              approved: String(approved ?? "(none)"),
              found: String(now ?? "(none)"),
            },
          ];
    }),
  );
}

/** @throws {DrError} PLAN_STALE. */
export function requireUnmoved([first]: readonly Moved[]): void {
  if (first !== undefined) {
    throw new DrError("PLAN_STALE", { ...first });
  }
}
