import { expect } from "chai";
import { Wallet } from "ethers";

import { HttpRpc } from "../../../src/chain/http-rpc.js";
import type { Address, Hex } from "../../../src/core/hex.js";
import { findByNonce } from "../../../src/route/direct/find-by-nonce.js";
import { CountingRpc } from "../../authority/counting-rpc.js";
import { requireAnvil, startAnvil, type Anvil } from "../../helpers/anvil.js";

const SENDER: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const OTHER: Address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
/** Blocks of so many transactions of the sender each. */
const BLOCKS = [0, 1, 0, 3, 0, 0, 2, 0, 1, 0, 0, 0, 0, 1, 0];

describe("findByNonce", () => {
  let anvil: Anvil;
  let rpc: CountingRpc;
  let latest: bigint;
  /** By nonce: in which block, and its hash. */
  const sent: { readonly block: bigint; readonly hash: Hex }[] = [];

  before(async function () {
    requireAnvil(this);
    anvil = await startAnvil({ args: ["--no-mining", "--order", "fifo"] });
    rpc = new CountingRpc(new HttpRpc({ network: "testnet", url: anvil.url }));
    for (const [index, count] of BLOCKS.entries()) {
      for (let made = 0; made < count; made += 1) {
        await send(OTHER);
        const hash = await send(SENDER);
        sent.push({ hash, block: BigInt(index + 1) });
      }
      await rpc.request("evm_mine");
    }
    latest = BigInt(BLOCKS.length);
  });

  after(async () => {
    await anvil.stop();
  });

  async function send(from: Address): Promise<Hex> {
    const to = Wallet.createRandom().address;
    return (await rpc.request("eth_sendTransaction", [
      { from, to, value: "0x1" },
    ])) as Hex;
  }

  async function find(nonce: number, after: bigint): Promise<unknown> {
    return (await findByNonce(rpc, SENDER, nonce, after, latest))?.hash;
  }

  it("finds each transaction, from wherever it looks before it", async () => {
    expect(sent).to.have.length(8);
    for (const [nonce, { block, hash }] of sent.entries()) {
      for (let after = 0n; after < block; after += 1n) {
        expect(await find(nonce, after), `${nonce}`).to.equal(hash);
      }
    }
  });

  it("asks for few blocks", async () => {
    rpc.requests = [];
    await find(4, 0n);
    expect(rpc.requests).to.have.length.below(6);
    expect(rpc.asked("eth_getBlockByNumber")).to.equal(1);
  });

  it("finds nothing that was mined before, or isn't yet", async () => {
    for (const [nonce, { block }] of sent.entries()) {
      expect(await find(nonce, block)).to.equal(undefined);
    }
    expect(await find(sent.length, 0n)).to.equal(undefined);
    expect(await find(0, latest)).to.equal(undefined);
  });
});
