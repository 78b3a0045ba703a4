import type { Address } from "../../core/hex.js";

/** Work for an account, one after the other: two at a time would take the same nonce. */
export class Turns {
  readonly #last = new Map<Address, Promise<unknown>>();

  async take<T>(account: Address, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(account);
    const own = before === undefined ? work() : before.then(work, work);
    this.#last.set(account, own);
    return await own;
  }
}
