/** A witness that shares no code with what it watches: JSON-RPC over fetch, nothing else. */
export class RawRpc {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async request(
    method: string,
    params: readonly unknown[] = [],
  ): Promise<unknown> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as {
      readonly result?: unknown;
      readonly error?: { readonly message: string };
    };
    if (error !== undefined) {
      throw new Error(`${method}: ${error.message}`);
    }
    return result;
  }

  async blockNumber(): Promise<number> {
    return Number(await this.request("eth_blockNumber"));
  }

  async nonce(account: string, tag = "latest"): Promise<number> {
    return Number(
      await this.request("eth_getTransactionCount", [account, tag]),
    );
  }

  /** The address in the low bytes of a slot, in lower case. */
  async addressInSlot(account: string, slot: string): Promise<string> {
    const word = await this.request("eth_getStorageAt", [
      account,
      slot,
      "latest",
    ]);
    return `0x${(word as string).slice(-40)}`.toLowerCase();
  }

  async call(to: string, data: string): Promise<string> {
    return (await this.request("eth_call", [{ to, data }, "latest"])) as string;
  }

  /** All transactions of the blocks after one, in their order. */
  async transactionsAfter(block: number): Promise<MinedTransaction[]> {
    const last = await this.blockNumber();
    const numbers = Array.from(
      { length: Math.max(0, last - block) },
      (_, index) => block + 1 + index,
    );
    const blocks = await Promise.all(
      numbers.map(
        async (number) =>
          (await this.request("eth_getBlockByNumber", [
            `0x${number.toString(16)}`,
            true,
          ])) as { readonly transactions: readonly MinedTransaction[] },
      ),
    );
    return blocks.flatMap(({ transactions }) => transactions);
  }
}

export interface MinedTransaction {
  readonly from: string;
  readonly to: string | null;
  readonly input: string;
  readonly nonce: string;
}
