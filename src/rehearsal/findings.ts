import type { DrError } from "../core/errors.js";
import type { RehearsalReport } from "./report.js";

/** What whoever relies on this procedure should look at, in whole sentences. */
export function findFindings(
  {
    storage,
    balances,
    nonces,
    code,
    accounts,
  }: Pick<
    RehearsalReport,
    "storage" | "balances" | "nonces" | "code" | "accounts"
  >,
  refused: readonly { readonly name: string; readonly error: DrError }[],
): string[] {
  const called = ({
    account,
    name,
  }: {
    readonly account: string;
    readonly name: string | null;
  }): string => (name === null ? account : `${name} (${account})`);
  return [
    ...refused.map(
      ({ name, error }) => `${name} is left out: ${error.message}`,
    ),
    ...storage
      .filter(({ expected }) => !expected)
      .map(
        (one) =>
          `Unexpected: ${called(one)} has storage slot ${one.slot}${one.label === null ? "" : `, ${one.label},`} changed${one.restored ? ", and changed back" : ""}.`,
      ),
    ...balances
      .filter(({ expected }) => !expected)
      .map(
        (one) =>
          `Unexpected: the balance of ${called(one)} changes by ${one.change} wei.`,
      ),
    ...nonces
      .filter(({ expected }) => !expected)
      .map(
        (one) =>
          `Unexpected: the nonce of ${called(one)} changes by ${String(one.change)}.`,
      ),
    ...code
      .filter(({ expected }) => !expected)
      .map((one) => `Unexpected: the code of ${called(one)} is ${one.change}.`),
    ...accounts
      .filter(({ canPay }) => !canPay)
      .map(
        ({ address, balance, spent }) =>
          `${address} has ${balance} wei and needs ${spent} wei for gas: the procedure would stop there.`,
      ),
  ];
}
