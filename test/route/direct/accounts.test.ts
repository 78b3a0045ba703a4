import { expect } from "chai";
import { HDNodeWallet, Mnemonic, Wallet } from "ethers";
import fc from "fast-check";

import type { Address } from "../../../src/core/hex.js";
import {
  loadSigners,
  type AccountsConfig,
} from "../../../src/route/direct/accounts.js";

const PATH = "m/44'/60'/0'/0";
const TEST_WORDS =
  "test test test test test test test test test test test junk";
const [FIRST, SECOND] = [1, 2].map(
  (number) => new Wallet(`0x${String(number).padStart(64, "0")}`),
) as [Wallet, Wallet];

async function load(
  accounts: AccountsConfig,
  listed: readonly string[] = [],
): ReturnType<typeof loadSigners> {
  return await loadSigners(
    {
      network: "test",
      batch: () => Promise.resolve([]),
      request: (method) => {
        expect(method).to.equal("eth_accounts");
        return Promise.resolve(listed);
      },
    },
    accounts,
  );
}

function secret(text: string): { get(): Promise<string> } {
  return { get: () => Promise.resolve(text) };
}

function keyOf({ privateKey }: Wallet): { getHexString(): Promise<string> } {
  return { getHexString: () => Promise.resolve(privateKey) };
}

describe("loadSigners", () => {
  it("derives the accounts that ethers derives from a mnemonic", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.constantFrom("", "passphrase", "pässwörd"),
        fc.constantFrom(PATH, "m/44'/1'/2'/0"),
        fc.nat({ max: 5 }),
        async (entropy, passphrase, path, initialIndex) => {
          const mnemonic = Mnemonic.fromEntropy(entropy, passphrase);
          const signers = await load({
            mnemonic: secret(mnemonic.phrase),
            passphrase: secret(passphrase),
            path,
            initialIndex,
            count: 2,
          });
          const root = HDNodeWallet.fromMnemonic(mnemonic, path);
          expect(signers.map(({ address }) => address)).to.deep.equal(
            [0, 1].map(
              (index) => root.deriveChild(initialIndex + index).address,
            ),
          );
        },
      ),
      { numRuns: 5 },
    );
  });

  it("knows the accounts everybody knows", async () => {
    const [signer] = await load({
      mnemonic: secret(TEST_WORDS),
      passphrase: secret(""),
      path: PATH,
      initialIndex: 0,
      count: 1,
    });
    expect(signer?.address).to.equal(
      "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    );
    expect(signer?.sign).to.be.a("function");
  });

  it("signs here with keys, and behind the provider with what else it lists", async () => {
    const signers = await load(
      [keyOf(FIRST)],
      [FIRST.address.toLowerCase(), SECOND.address.toLowerCase()],
    );
    expect(signers.map(({ address }) => address)).to.deep.equal([
      FIRST.address as Address,
      SECOND.address as Address,
    ]);
    expect(signers.map(({ sign }) => typeof sign)).to.deep.equal([
      "function",
      "undefined",
    ]);
  });

  it("has no keys where the node has them all", async () => {
    const [signer] = await load("remote", [SECOND.address]);
    expect(signer).to.deep.equal({ address: SECOND.address });
  });
});
