import type { BlockReader } from "../chain/block-reader.js";
import { sameAddress, type Address } from "../core/hex.js";
import type { Call } from "../core/call.js";

/**
 * For each call, the first account that the chain lets make it now, asked by
 * `eth_call`; undefined where none may.
 *
 * @param accounts - In order of preference. The first is tried alone: mostly
 * it is the one, and a node then answers one question a call.
 */
export async function chooseSenders(
  reader: BlockReader,
  calls: readonly Call[],
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
  call: Call,
  accounts: readonly Address[],
): Promise<Address | undefined> {
  const answers = await Promise.all(
    accounts.map(async (account) => await maySend(reader, call, account)),
  );
  return accounts.find((_, index) => answers[index] === true);
}

async function maySend(
  reader: BlockReader,
  { to, data }: Call,
  from: Address,
): Promise<boolean> {
  return (await reader.callRaw({ from, to, data })).ok;
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
