import { BlockReader, readBlock } from "../../chain/block-reader.js";
import { isUnanswered } from "../../chain/http-rpc.js";
import { ask, isRevert, type Rpc } from "../../chain/rpc.js";
import { explainRevert } from "../../chain/revert-reason.js";
import type { Json } from "../../core/canonical-json.js";
import type { Clock } from "../../core/clock.js";
import { DrError, isDrError, messageOf } from "../../core/errors.js";
import { sameAddress, type Address, type Hex } from "../../core/hex.js";
import type { StepLog } from "../../run/step.js";
import {
  replayEntries,
  storeTransaction,
  type Attempt,
  type Mined,
  type SendEntry,
} from "./attempts.js";
import { broadcast, type Delivery } from "./broadcast.js";
import { bumpFees, suggestFees } from "./fees.js";
import { findByNonce } from "./find-by-nonce.js";
import { subjectOf } from "./mined.js";
import { depthOf, minedOf, readPool, type Pool, type Receipt } from "./pool.js";
import type { Signer, TransactionRequest } from "./signer.js";

/** A transaction to be made, unless the chain already is as it would make it. */
export interface Outgoing {
  /** Unique in its step. */
  readonly key: string;
  /** Absent for a deployment. */
  readonly to?: Address;
  readonly value: bigint;
  readonly data: Hex;
  readonly label: string;
  readonly isDone: (reader: BlockReader) => Promise<boolean>;
}

/** What sending needs. */
export interface SendPorts {
  readonly rpc: Rpc;
  /** Where transactions go; {@link rpc}, unless they should not be seen. */
  readonly broadcastRpc: Rpc;
  readonly signer: Signer;
  readonly chainId: number;
  readonly clock: Clock;
  /** Blocks on top of and including the transaction's own; at least 1. */
  readonly confirmations: number;
  readonly pollMs: number;
  /** Unmined for so long, a transaction is sent again with higher fees. */
  readonly stuckAfterMs: number;
  /** Nothing mined for so long, the run stops; it can be resumed. */
  readonly giveUpAfterMs: number;
  readonly progress: (message: string) => void;
  readonly signal?: AbortSignal;
}

/** One bad transaction among many: the others go out all the same. */
export interface Refusal {
  readonly key: string;
  readonly error: DrError;
}

const GAS_MARGIN_PERCENT = 120n;

/**
 * Makes transactions, all at once, each exactly once however often this is
 * interrupted: a nonce is journaled before it is used, and no other is taken
 * for the same thing until the chain has spent the first on something else.
 *
 * @throws {DrError} the refusal of one; SOME_TRANSACTIONS_FAILED for several.
 */
export async function sendAll(
  ports: SendPorts,
  outgoing: readonly Outgoing[],
  log: StepLog,
): Promise<void> {
  const sender = new Sender(ports, outgoing, log);
  const refusals = await sender.run();
  throwRefusals(refusals);
}

function throwRefusals(refusals: readonly Refusal[]): void {
  const [first, ...others] = refusals;
  if (first === undefined) {
    return;
  }
  if (others.length === 0) {
    throw first.error;
  }
  throw new DrError("SOME_TRANSACTIONS_FAILED", {
    count: refusals.length,
    list: refusals
      .map(
        ({ key, error }) =>
          `${subjectOf({ key })}: ${error.code}, ${error.message}`,
      )
      .join("; "),
  });
}

/** The state of one `sendAll`. */
class Sender {
  readonly #ports: SendPorts;
  readonly #outgoing: ReadonlyMap<string, Outgoing>;
  readonly #log: StepLog;
  readonly #refusals = new Map<string, DrError>();
  /** When each attempt was last handed to the node. */
  readonly #sentAt = new Map<string, number>();
  /** Handed over without hearing back, or mined and lost again in a reorganisation. */
  readonly #unsure = new Set<string>();
  /** Taken by a node at some time, or perhaps: their nonce is theirs until the chain has spent it. */
  readonly #mayBeOut: Set<string>;
  /** Those whose receipt was there at the last look, and the latest block then. */
  readonly #inBlock = new Map<string, bigint>();
  #lastProgress: number;

  constructor(ports: SendPorts, outgoing: readonly Outgoing[], log: StepLog) {
    this.#ports = ports;
    this.#outgoing = new Map(outgoing.map((item) => [item.key, item]));
    this.#log = log;
    this.#mayBeOut = new Set(this.#live().map(({ key }) => key));
    this.#lastProgress = ports.clock.now().getTime();
  }

  async run(): Promise<readonly Refusal[]> {
    await this.#rebroadcast(this.#live());
    for (;;) {
      const missing = await this.#missing();
      if (missing.length > 0) {
        await this.#sendNew(missing);
      }
      if (this.#live().length === 0) {
        return [...this.#refusals].map(([key, error]) => ({ key, error }));
      }
      await this.#follow();
    }
  }

  #live(): Attempt[] {
    const attempts = [...replayEntries(this.#log.entries).live.values()];
    return attempts.sort((a, b) => a.transaction.nonce - b.transaction.nonce);
  }

  async #append(entry: SendEntry): Promise<void> {
    await this.#log.append(entry as unknown as Json);
  }

  /**
   * What the chain still lacks and nothing is under way for. A transaction
   * that succeeded isn't made again, whatever a node that lags behind says.
   */
  async #missing(): Promise<Outgoing[]> {
    const { live, mined } = replayEntries(this.#log.entries);
    const reader = await BlockReader.at(this.#ports.rpc);
    const candidates = [...this.#outgoing.values()].filter(
      ({ key }) =>
        !live.has(key) &&
        !this.#refusals.has(key) &&
        mined.get(key)?.status !== "success",
    );
    const done = await Promise.all(
      candidates.map(async (item) => await item.isDone(reader)),
    );
    return candidates.filter((_, index) => done[index] !== true);
  }

  async #sendNew(items: readonly Outgoing[]): Promise<void> {
    const { rpc, signer, chainId } = this.#ports;
    const estimated = await this.#estimate(items);
    if (estimated.length === 0) {
      return;
    }
    const [fees, firstNonce, { block }] = await Promise.all([
      suggestFees(rpc),
      this.#nextNonce(),
      BlockReader.at(rpc),
    ]);
    const transactions = estimated.map(({ item, gas }, index) => ({
      key: item.key,
      transaction: {
        from: signer.address,
        ...(item.to === undefined ? {} : { to: item.to }),
        value: item.value,
        data: item.data,
        nonce: firstNonce + index,
        gas,
        chainId,
        fees,
      },
    }));
    await this.#announceAndSend(transactions, block.number);
  }

  /** Journals intents, all in one record, then sends. */
  async #announceAndSend(
    items: readonly {
      readonly key: string;
      readonly transaction: TransactionRequest;
    }[],
    block: bigint,
  ): Promise<void> {
    const { sign } = this.#ports.signer;
    await this.#append({
      kind: "intent",
      intents: items.map(({ key, transaction }) => ({
        key,
        transaction: storeTransaction(transaction),
        ...(sign === undefined ? {} : { hash: sign(transaction).hash }),
        block: String(block),
      })),
    });
    const keys = new Set(items.map(({ key }) => key));
    await this.#deliver(this.#live().filter(({ key }) => keys.has(key)));
  }

  /** Gas limits, and the refusal of those that would revert. */
  async #estimate(
    items: readonly Outgoing[],
  ): Promise<{ readonly item: Outgoing; readonly gas: bigint }[]> {
    const { rpc, signer } = this.#ports;
    const outcomes = await rpc.batch(
      items.map(({ to, value, data }) => ({
        method: "eth_estimateGas",
        params: [
          {
            from: signer.address,
            ...(to === undefined ? {} : { to }),
            value: `0x${value.toString(16)}`,
            data,
          },
        ],
      })),
    );
    return items.flatMap((item, index) => {
      const outcome = outcomes[index];
      if (outcome?.ok === true) {
        const gas = BigInt(outcome.result as Hex);
        return [{ item, gas: (gas * GAS_MARGIN_PERCENT) / 100n }];
      }
      this.#refuse(item, outcome?.error);
      return [];
    });
  }

  #refuse(item: Outgoing, error: unknown): void {
    const { signer } = this.#ports;
    const values = {
      label: item.label,
      from: signer.address,
      reason: isRevert(error) ? explainRevert(error) : messageOf(error),
    };
    this.#refusals.set(
      item.key,
      /insufficient (funds|balance)|enough funds/i.test(values.reason)
        ? new DrError("OUT_OF_FUNDS", values)
        : new DrError("CALL_WOULD_REVERT", values),
    );
  }

  /** The account's next free nonce, pending transactions and our own counted. */
  async #nextNonce(): Promise<number> {
    const { rpc, signer } = this.#ports;
    const pending = Number(
      await ask(rpc, "eth_getTransactionCount", [signer.address, "pending"]),
    );
    const own = this.#live().map(({ transaction }) => transaction.nonce + 1);
    return Math.max(pending, ...own);
  }

  /** After an interruption: what the chain hasn't got yet is sent again as it was. */
  async #rebroadcast(attempts: readonly Attempt[]): Promise<void> {
    if (attempts.length === 0) {
      return;
    }
    const pool = await this.#readPool(attempts);
    await this.#deliver(
      attempts.filter(({ transaction, hashes }) => {
        const { nonce } = transaction;
        const waitsUnderUnknownHash =
          hashes.length === 0 && nonce < pool.pendingCount;
        return nonce >= pool.count && !waitsUnderUnknownHash;
      }),
    );
  }

  async #deliver(attempts: readonly Attempt[]): Promise<void> {
    if (attempts.length === 0) {
      return;
    }
    const { broadcastRpc, signer, clock } = this.#ports;
    const deliveries = await broadcast(broadcastRpc, signer, attempts);
    const hashes: Record<string, Hex> = {};
    attempts.forEach(({ key, transaction }, index) => {
      const delivery = deliveries[index];
      this.#sentAt.set(key, clock.now().getTime());
      if (delivery?.status === "unknown") {
        this.#unsure.add(key);
      } else {
        this.#unsure.delete(key);
      }
      if (delivery?.status === "unknown" || delivery?.status === "accepted") {
        this.#mayBeOut.add(key);
      }
      if (delivery?.status === "accepted" && delivery.hash !== undefined) {
        hashes[key] = delivery.hash;
        const { label } = this.#item(key);
        this.#ports.progress(
          `sent ${label}: ${delivery.hash} (nonce ${String(transaction.nonce)})`,
        );
      }
    });
    if (Object.keys(hashes).length > 0) {
      await this.#append({ kind: "sent", hashes });
    }
    for (const [index, attempt] of attempts.entries()) {
      await this.#judge(attempt, deliveries[index]);
    }
  }

  /** Acts on a delivery that wasn't simply accepted. */
  async #judge(
    attempt: Attempt,
    delivery: Delivery | undefined,
  ): Promise<void> {
    switch (delivery?.status) {
      case "underpriced":
        await this.#replace([attempt]);
        break;
      case "nonce-taken":
        if (await this.#isLost(attempt)) {
          await this.#giveUpNonce(attempt);
        }
        break;
      case "refused":
        // A node that mines at once refuses a transaction that reverts, and
        // has mined it: then its receipt tells.
        if (!(await this.#isOurs(attempt))) {
          throw this.#sendRefused(attempt, delivery.error);
        }
        break;
      case "accepted":
      case "unknown":
      case undefined:
        break;
    }
  }

  #sendRefused(attempt: Attempt, cause: unknown): DrError {
    const values = {
      label: this.#item(attempt.key).label,
      from: attempt.transaction.from,
      reason: messageOf(cause),
    };
    return /insufficient (funds|balance)|enough funds/i.test(values.reason)
      ? new DrError("OUT_OF_FUNDS", values, { cause })
      : new DrError("SEND_REFUSED", values, { cause });
  }

  /**
   * Whether this attempt can never be mined. What a node has taken once is lost
   * only when the chain has spent its nonce: until then it may come back.
   */
  async #isLost(attempt: Attempt): Promise<boolean> {
    if (await this.#isOurs(attempt)) {
      return false;
    }
    const { count } = await this.#readPool([attempt]);
    return (
      count > attempt.transaction.nonce || !this.#mayBeOut.has(attempt.key)
    );
  }

  /** Whether the node knows one of this attempt's transactions, mined or waiting. */
  async #isOurs(attempt: Attempt): Promise<boolean> {
    const { rpc } = this.#ports;
    const known = await rpc.batch(
      attempt.hashes.map((hash) => ({
        method: "eth_getTransactionByHash",
        params: [hash],
      })),
    );
    if (known.some((outcome) => outcome.ok && outcome.result !== null)) {
      return true;
    }
    return (await this.#findMined(attempt)) !== undefined;
  }

  /** The hash of this attempt's mined transaction, found by its nonce. */
  async #findMined(attempt: Attempt): Promise<Hex | undefined> {
    const { rpc } = this.#ports;
    const { from, nonce, to, data } = attempt.transaction;
    const { count } = await this.#readPool([attempt]);
    if (count <= nonce) {
      return undefined;
    }
    // Asked after the count: of one batch, a node may answer it as it was before.
    const { number: block } = await readBlock(rpc, "latest");
    const found = await findByNonce(
      rpc,
      from,
      nonce,
      attempt.afterBlock,
      block,
    );
    const isSame =
      found?.input === data &&
      (to === undefined
        ? found.to === null
        : found.to !== null && sameAddress(found.to, to));
    if (!isSame) {
      return undefined;
    }
    if (!attempt.hashes.includes(found.hash)) {
      await this.#append({
        kind: "sent",
        hashes: { [attempt.key]: found.hash },
      });
    }
    return found.hash;
  }

  async #giveUpNonce({ key, transaction }: Attempt): Promise<void> {
    const { label } = this.#item(key);
    this.#ports.progress(
      `${label}: nonce ${String(transaction.nonce)} was taken by another transaction; taking a new one`,
    );
    this.#mayBeOut.delete(key);
    await this.#append({ kind: "void", key, nonce: transaction.nonce });
  }

  /** The same transaction with the same nonce and higher fees. */
  async #replace(attempts: readonly Attempt[]): Promise<void> {
    const { rpc, progress } = this.#ports;
    const [present, { block }] = await Promise.all([
      suggestFees(rpc),
      BlockReader.at(rpc),
    ]);
    for (const { key, transaction } of attempts) {
      progress(
        `${this.#item(key).label}: still not mined, sending nonce ${String(transaction.nonce)} again with higher fees`,
      );
    }
    await this.#announceAndSend(
      attempts.map(({ key, transaction }) => ({
        key,
        transaction: {
          ...transaction,
          fees: bumpFees(transaction.fees, present),
        },
      })),
      block.number,
    );
  }

  /** Waits until at least one attempt has come to its end. */
  async #follow(): Promise<void> {
    const { clock, pollMs, signal } = this.#ports;
    for (;;) {
      signal?.throwIfAborted();
      const before = this.#live();
      await this.#observe(before);
      if (this.#live().length < before.length) {
        this.#lastProgress = clock.now().getTime();
        return;
      }
      await clock.sleep(pollMs, signal);
      const live = this.#live();
      await this.#rebroadcast(live.filter(({ key }) => this.#unsure.has(key)));
      await this.#handleStuck(live);
    }
  }

  /** One look at the chain; a passing failure of the RPC is no news. */
  async #observe(attempts: readonly Attempt[]): Promise<void> {
    try {
      const pool = await this.#readPool(attempts);
      const mined: Mined[] = [];
      for (const attempt of attempts) {
        const receipt = pool.receipts.get(attempt.key);
        if (receipt === undefined) {
          this.#noticeReorganisation(attempt.key);
        }
        if (receipt !== undefined) {
          if (depthOf(receipt, pool) >= BigInt(this.#ports.confirmations)) {
            mined.push(minedOf(attempt.key, receipt));
          } else {
            this.#noticeBlock(attempt.key, receipt, pool);
          }
        } else if (pool.count > attempt.transaction.nonce) {
          await this.#explainSpentNonce(attempt);
        }
      }
      if (mined.length > 0) {
        await this.#append({ kind: "mined", mined });
        await this.#report(mined);
      }
    } catch (error) {
      if (!isUnanswered(error) && !isDrError(error, "RPC_FAILED")) {
        throw error;
      }
      this.#ports.progress(messageOf(error));
      if (this.#isOverdue()) {
        throw error;
      }
    }
  }

  /** Each block on top of it is progress, however many are asked for. */
  #noticeBlock(key: string, receipt: Receipt, { block }: Pool): void {
    const { confirmations, progress, clock } = this.#ports;
    if (!this.#inBlock.has(key)) {
      progress(
        `${this.#item(key).label} is in block ${String(BigInt(receipt.blockNumber))}; waiting for ${String(confirmations)} confirmations (--confirmations)`,
      );
    }
    if (block !== this.#inBlock.get(key)) {
      this.#inBlock.set(key, block);
      this.#lastProgress = clock.now().getTime();
    }
  }

  #noticeReorganisation(key: string): void {
    if (this.#inBlock.delete(key)) {
      this.#unsure.add(key);
      this.#ports.progress(
        `${this.#item(key).label}: its block is gone in a reorganisation; sending it again, as it was`,
      );
    }
  }

  /** The nonce is used and no receipt is known for it: by us unheard, or by somebody else. */
  async #explainSpentNonce(attempt: Attempt): Promise<void> {
    if (!(await this.#isOurs(attempt))) {
      await this.#giveUpNonce(attempt);
    }
  }

  async #report(mined: readonly Mined[]): Promise<void> {
    for (const result of mined) {
      const { label } = this.#item(result.key);
      if (result.status === "success") {
        this.#ports.progress(`mined ${label} in block ${result.block}`);
      } else {
        const reason = await this.#whyReverted(result);
        this.#refusals.set(
          result.key,
          new DrError("TRANSACTION_REVERTED", {
            label,
            hash: result.hash,
            block: result.block,
            reason,
          }),
        );
      }
    }
  }

  /** Asks the same call again at its block, for the words of the revert. */
  async #whyReverted({ key, block }: Mined): Promise<string> {
    const { rpc, signer } = this.#ports;
    const { to, data } = this.#item(key);
    if (to === undefined) {
      return "the deployment failed";
    }
    const reader = await BlockReader.at(rpc, BigInt(block));
    const outcome = await reader.callRaw({ from: signer.address, to, data });
    return outcome.ok ? "no reason given" : explainRevert(outcome.error);
  }

  async #handleStuck(attempts: readonly Attempt[]): Promise<void> {
    const { clock, stuckAfterMs } = this.#ports;
    const now = clock.now().getTime();
    const stuck = attempts.filter(
      ({ key }) => now - (this.#sentAt.get(key) ?? now) >= stuckAfterMs,
    );
    for (const { key } of attempts) {
      this.#sentAt.set(key, this.#sentAt.get(key) ?? now);
    }
    if (stuck.length === 0 && !this.#isOverdue()) {
      return;
    }
    const pool = await this.#readPool(attempts);
    const { count, receipts } = pool;
    const [first] = attempts;
    const isBehind = first !== undefined && count < first.transaction.nonce;
    if (this.#isOverdue()) {
      const waiting = attempts.filter(({ key }) => !receipts.has(key));
      throw waiting.length === 0
        ? this.#notDeepEnough(attempts, pool)
        : this.#notMined(waiting, isBehind ? count : undefined);
    }
    if (isBehind) {
      // Higher fees would change nothing: it isn't their turn.
      this.#tellOfOlder(count, stuck);
      return;
    }
    const unmined = stuck.filter(({ key }) => !receipts.has(key));
    if (unmined.length > 0) {
      await this.#replace(unmined);
    }
  }

  /** @param older - The nonce of a transaction, not ours, that must be mined first. */
  #notMined(attempts: readonly Attempt[], older: number | undefined): DrError {
    const { giveUpAfterMs, signer } = this.#ports;
    const values = {
      label: this.#labelsOf(attempts),
      seconds: giveUpAfterMs / 1000,
    };
    return older === undefined
      ? new DrError("NOT_MINED", values)
      : new DrError("OLDER_TRANSACTION_WAITS", {
          ...values,
          from: signer.address,
          nonce: older,
        });
  }

  /** All are in blocks, and the chain adds no more of them. */
  #notDeepEnough(attempts: readonly Attempt[], pool: Pool): DrError {
    const { giveUpAfterMs, confirmations } = this.#ports;
    return new DrError("NOT_DEEP_ENOUGH", {
      label: this.#labelsOf(attempts),
      block: pool.block,
      seconds: giveUpAfterMs / 1000,
      confirmations,
    });
  }

  #labelsOf(attempts: readonly Attempt[]): string {
    return attempts.map(({ key }) => this.#item(key).label).join(", ");
  }

  #tellOfOlder(nonce: number, waiting: readonly Attempt[]): void {
    const { clock, signer, progress } = this.#ports;
    progress(
      `waiting for nonce ${String(nonce)} of ${signer.address}, a transaction not of this run; mend it meanwhile: send that nonce again with higher fees (an empty transfer to itself cancels it)`,
    );
    for (const { key } of waiting) {
      this.#sentAt.set(key, clock.now().getTime());
    }
  }

  #isOverdue(): boolean {
    const { clock, giveUpAfterMs } = this.#ports;
    return clock.now().getTime() - this.#lastProgress >= giveUpAfterMs;
  }

  async #readPool(attempts: readonly Attempt[]): Promise<Pool> {
    const { rpc, signer } = this.#ports;
    return await readPool(rpc, signer.address, attempts);
  }

  #item(key: string): Outgoing {
    const item = this.#outgoing.get(key);
    if (item === undefined) {
      throw new DrError("JOURNAL_FOREIGN_TRANSACTION", { key });
    }
    return item;
  }
}
