import type { Rpc } from "../chain/rpc.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import { hashOfCode } from "../proxy/inspect.js";
import { findBook } from "./books.js";
import { isExpectedMove, type Expectation } from "./expectation.js";
import { isPauseSwitch } from "./pause-flag.js";
import type {
  BalanceReport,
  CodeReport,
  NonceReport,
  SlotReport,
} from "./report.js";
import type { AccountDiff, SlotDiff } from "./state-diff.js";
import type { RehearsedTransaction } from "./transactions.js";

/** What a rehearsal changed on the chain, and which of it the plan explains. */
export interface Changes {
  readonly storage: readonly Unlabelled<SlotReport>[];
  readonly balances: readonly Unlabelled<BalanceReport>[];
  readonly nonces: readonly Unlabelled<NonceReport>[];
  readonly code: readonly Unlabelled<CodeReport>[];
}

type Unlabelled<T> = Omit<T, "name">;

/** A transaction, and the step of the plan it belongs to, if any. */
export interface TransactionInStep extends RehearsedTransaction {
  readonly step: string | undefined;
}

interface Write extends SlotDiff {
  readonly account: Address;
  /** What the plan writes there; undefined when it doesn't. */
  readonly meaning: string | undefined;
}

/** Puts the changes of all transactions together. */
export async function collectChanges(
  rpc: Rpc,
  transactions: readonly TransactionInStep[],
  expectation: Expectation,
): Promise<Changes> {
  const writes = await Promise.all(
    transactions.flatMap((transaction) =>
      transaction.changes.flatMap(({ address, storage }) =>
        storage.map(async (write): Promise<Write> => ({
          ...write,
          account: address,
          meaning: await explain(rpc, expectation, transaction, {
            ...write,
            account: address,
          }),
        })),
      ),
    ),
  );
  return {
    storage: mergeWrites(writes),
    balances: collectBalances(transactions),
    nonces: collectNonces(transactions, expectation),
    code: collectCode(transactions, expectation),
  };
}

async function explain(
  rpc: Rpc,
  expectation: Expectation,
  { step = "", block }: TransactionInStep,
  { account, ...write }: Omit<Write, "meaning">,
): Promise<string | undefined> {
  const book = findBook(expectation, account, write.slot);
  if (book !== undefined) {
    return book;
  }
  const upgrades = /^(rollback|upgrade)(:|$)/.test(step);
  const mayPause = expectation.contracts.some(
    ({ proxy, pauses, pausesWithUpgrade }) =>
      sameAddress(proxy, account) &&
      (upgrades ? pausesWithUpgrade : pauses && /^(un)?pause(:|$)/.test(step)),
  );
  if (mayPause && (await isPauseSwitch(rpc, account, write, block))) {
    return "paused()";
  }
  if (step === "deploy") {
    return expectation.created.some((one) => sameAddress(one, account))
      ? "constructor"
      : undefined;
  }
  return upgrades && isExpectedMove(expectation, account, write)
    ? "implementation"
    : undefined;
}

function mergeWrites(writes: readonly Write[]): Changes["storage"] {
  const bySlot = Map.groupBy(
    writes,
    ({ account, slot }) => `${account} ${slot}`,
  );
  return [...bySlot.values()].flatMap((group) => {
    const [first] = group;
    const last = group.at(-1);
    if (first === undefined || last === undefined) {
      return [];
    }
    const { account, slot, before } = first;
    const { after } = last;
    const expected = group.every(({ meaning }) => meaning !== undefined);
    const label = expected ? (first.meaning ?? null) : null;
    const restored = before === after;
    return [{ account, slot, label, before, after, restored, expected }];
  });
}

/** Gas explains what its payer loses and what a block's producer gains, to the wei. */
function collectBalances(
  transactions: readonly TransactionInStep[],
): Changes["balances"] {
  const explained = new Map<Address, bigint>();
  for (const { from, cost, tip, producer } of transactions) {
    explained.set(from, (explained.get(from) ?? 0n) - cost);
    explained.set(producer, (explained.get(producer) ?? 0n) + tip);
  }
  return total(transactions, ({ balance }) =>
    balance === undefined ? 0n : balance.after - balance.before,
  ).map(([account, change]) => ({
    account,
    change: String(change),
    expected: change === (explained.get(account) ?? 0n),
  }));
}

function collectNonces(
  transactions: readonly TransactionInStep[],
  { created }: Expectation,
): Changes["nonces"] {
  const sent = Map.groupBy(transactions, ({ from }) => from);
  return total(transactions, ({ nonce }) =>
    nonce === undefined ? 0n : BigInt(nonce.after - nonce.before),
  ).map(([account, change]) => ({
    account,
    change: Number(change),
    expected:
      Number(change) ===
      (sent.get(account)?.length ??
        (created.some((one) => sameAddress(one, account)) ? 1 : 0)),
  }));
}

/** A sum for each account where it isn't zero. */
function total(
  transactions: readonly TransactionInStep[],
  amountOf: (diff: AccountDiff) => bigint,
): [account: Address, sum: bigint][] {
  const sums = new Map<Address, bigint>();
  for (const diff of transactions.flatMap(({ changes }) => changes)) {
    const sum = (sums.get(diff.address) ?? 0n) + amountOf(diff);
    sums.set(diff.address, sum);
  }
  return [...sums].filter(([, sum]) => sum !== 0n);
}

function collectCode(
  transactions: readonly TransactionInStep[],
  { created }: Expectation,
): Changes["code"] {
  return transactions
    .flatMap(({ changes }) => changes)
    .flatMap(({ address: account, code }) => {
      if (code === undefined) {
        return [];
      }
      const change = changeOfCode(code.before, code.after);
      const expected =
        change === "created" &&
        created.some((one) => sameAddress(one, account));
      const codeHash = hashOfCode(code.after) ?? null;
      return [{ account, codeHash, change, expected }];
    });
}

function changeOfCode(before: Hex, after: Hex): CodeReport["change"] {
  if (after === "0x") {
    return "destroyed";
  }
  return before === "0x" ? "created" : "replaced";
}
