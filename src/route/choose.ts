import type { BlockReader } from "../chain/block-reader.js";
import { findFailing, type SimulatedCall } from "../chain/simulate.js";
import { sameAddress, type Address } from "../core/hex.js";
import type { Call } from "../core/call.js";

/** A call that someone shall make. */
export interface CallToMake {
  readonly call: Call;
  /** Calls that will have gone before it. */
  readonly before?: readonly SimulatedCall[];
}

/**
 * For each call, the first account that the chain lets make it now, asked by
 * `eth_call`; undefined where none may.
 *
 * @param accounts - In order of preference. The first is tried alone: mostly
 * it is the one, and a node then answers one question a call.
 */
export async function chooseSenders(
  reader: BlockReader,
  calls: readonly CallToMake[],
  accounts: readonly Address[],
): Promise<readonly (Address | undefined)[]> {
  const [preferred, ...others] = accounts;
  const first = await Promise.all(
    calls.map(
      async (call) =>
        preferred !== undefined && (await maySend(reader, call, preferred)),
    ),
  );
  return await Promise.all(
    calls.map(async (call, index) =>
      first[index] === true
        ? preferred
        : await findSender(reader, call, others),
    ),
  );
}

async function findSender(
  reader: BlockReader,
  call: CallToMake,
  accounts: readonly Address[],
): Promise<Address | undefined> {
  const answers = await Promise.all(
    accounts.map(async (account) => await maySend(reader, call, account)),
  );
  return accounts.find((_, index) => answers[index] === true);
}

/** Whether the chain lets this account make the call; yes where a node can't tell. */
export async function maySend(
  reader: BlockReader,
  { call: { to, data }, before }: CallToMake,
  from: Address,
): Promise<boolean> {
  if (before === undefined || before.length === 0) {
    return (await reader.callRaw({ from, to, data })).ok;
  }
  const failing = await findFailing(reader, [...before, { from, to, data }]);
  return failing === undefined || failing === -1;
}

/** Puts one account first. */
export function preferring(
  accounts: readonly Address[],
  preferred: Address | undefined,
): readonly Address[] {
  return preferred === undefined
    ? accounts
    : [
        preferred,
        ...accounts.filter((account) => !sameAddress(account, preferred)),
      ];
}
