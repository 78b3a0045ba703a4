import {
  buildSignatureBytes,
  EthSafeSignature,
} from "@safe-global/protocol-kit";
import { expect } from "chai";
import * as fc from "fast-check";
import hre from "hardhat";

import { hashWithProtocolKit } from "../../src/safe/kit.js";
import {
  encodeSignatures,
  type Voucher,
} from "../../src/safe/owner-signature.js";
import { hashSafeTransaction } from "../../src/safe/transaction.js";
import { assertSameHash, readHashWitnesses } from "../../src/safe/witnesses.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { deploySafe, SAFE_VERSIONS } from "../helpers/deploy-governance.js";
import {
  anyAddress,
  anyData,
  anyTransaction,
  sampleTransaction,
} from "./sample-transaction.js";
import { addresses, readerOf } from "./sign.js";

describe("the witnesses of a safeTxHash", () => {
  it("protocol-kit says what we say, for chains it never heard of too", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyTransaction,
        anyAddress,
        fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }),
        fc.constantFrom(...SAFE_VERSIONS),
        fc.nat(),
        async (transaction, safe, chainId, version, nonce) => {
          const domain = { chainId, safe, version };
          // Its nonces are JavaScript's numbers.
          const usual = { ...transaction, nonce: BigInt(nonce) };
          expect(await hashWithProtocolKit(domain, usual)).to.equal(
            hashSafeTransaction(domain, usual).safeTxHash,
          );
        },
      ),
    );
  });

  it("protocol-kit puts signatures together as we do", () => {
    const key = fc
      .uint8Array({ minLength: 64, maxLength: 64 })
      .map((bytes) => `0x${Buffer.from(bytes).toString("hex")}1b` as const);
    const anyVoucher: fc.Arbitrary<Voucher> = fc.oneof(
      fc.record({
        owner: anyAddress,
        kind: fc.constant("eip712" as const),
        signature: key,
      }),
      fc.record({
        owner: anyAddress,
        kind: fc.constant("contract" as const),
        signature: anyData,
      }),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(anyVoucher, {
          selector: ({ owner }) => owner,
          minLength: 1,
          maxLength: 6,
        }),
        (vouchers) => {
          const theirs = buildSignatureBytes(
            vouchers.map(
              ({ owner, kind, signature }) =>
                new EthSafeSignature(owner, signature, kind === "contract"),
            ),
          );
          expect(encodeSignatures(vouchers)).to.equal(theirs.toLowerCase());
        },
      ),
    );
  });

  for (const version of SAFE_VERSIONS) {
    it(`all three agree for a Safe ${version}`, async () => {
      const connection = await hre.network.create();
      const owners = await addresses(connection, 1);
      const safe = await deploySafe(connection, {
        owners,
        threshold: 1,
        version,
      });
      const domain = { chainId: 31337n, safe, version };
      const witnesses = await readHashWitnesses(
        await readerOf(connection),
        domain,
        sampleTransaction(),
      );
      expect(assertSameHash(witnesses)).to.equal(witnesses.contract);
    });
  }

  it("are named when they disagree", async () => {
    const connection = await hre.network.create();
    const owners = await addresses(connection, 1);
    const safe = await deploySafe(connection, { owners, threshold: 1 });
    const reader = await readerOf(connection);
    const elsewhere = { chainId: 1n, safe, version: "1.5.0" };
    const witnesses = await readHashWitnesses(
      reader,
      elsewhere,
      sampleTransaction(),
    );
    const refusal = await refusalOf(() => assertSameHash(witnesses));
    expect(refusal.code).to.equal("SAFE_HASH_DISAGREES");
    expect(refusal.message).to.contain(witnesses.contract);
    expect(refusal.message).to.contain(witnesses.protocolKit);

    const silent = await readHashWitnesses(
      reader,
      { ...elsewhere, safe: owners[0]! },
      sampleTransaction(),
    );
    expect(await codeOf(() => assertSameHash(silent))).to.equal(
      "SAFE_HASH_DISAGREES",
    );
    const { ours, contract } = witnesses;
    expect(
      await codeOf(() =>
        assertSameHash({
          ours: { ...ours, safeTxHash: contract },
          contract,
          protocolKit: ours.safeTxHash,
        }),
      ),
    ).to.equal("SAFE_HASH_DISAGREES");
  });
});
