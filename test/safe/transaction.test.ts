import { expect } from "chai";
import { TypedDataEncoder } from "ethers";
import * as fc from "fast-check";
import hre from "hardhat";

import { ZERO_ADDRESS, type Address } from "../../src/core/hex.js";
import {
  encodeSafeTransaction,
  hashSafeTransaction,
  typedDataOf,
  type SafeDomain,
} from "../../src/safe/transaction.js";
import { read, signer } from "../helpers/contracts.js";
import {
  deploySafe,
  SAFE_VERSIONS,
  safeAt,
} from "../helpers/deploy-governance.js";
import {
  anyAddress,
  anyTransaction,
  sampleTransaction,
} from "./sample-transaction.js";

const anyDomain: fc.Arbitrary<SafeDomain> = fc.record({
  chainId: fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }),
  safe: anyAddress,
  version: fc.constantFrom(...SAFE_VERSIONS),
});

describe("a Safe transaction's hashes", () => {
  it("are those of an independent EIP-712 implementation", () => {
    fc.assert(
      fc.property(anyDomain, anyTransaction, (domain, transaction) => {
        const { types, message } = typedDataOf(domain, transaction);
        const { SafeTx } = types;
        const theirs = {
          chainId: domain.chainId,
          verifyingContract: domain.safe,
        };
        const struct = { SafeTx: [...(SafeTx ?? [])] };
        expect(hashSafeTransaction(domain, transaction)).to.deep.equal({
          domainHash: TypedDataEncoder.hashDomain(theirs),
          messageHash: TypedDataEncoder.from(struct).hash(message),
          safeTxHash: TypedDataEncoder.hash(theirs, struct, message),
        });
        expect(encodeSafeTransaction(domain, transaction)).to.equal(
          TypedDataEncoder.encode(theirs, struct, message),
        );
      }),
    );
  });

  for (const version of SAFE_VERSIONS) {
    for (const singleton of ["Safe", "SafeL2"] as const) {
      it(`are those of a ${singleton} ${version} itself`, async () => {
        const connection = await hre.network.create();
        const { address } = await signer(connection);
        const safe = await deploySafe(connection, {
          owners: [address as Address],
          threshold: 1,
          singleton,
          version,
        });
        const contract = await safeAt(connection, safe);
        const domain = { chainId: 31337n, safe, version };
        for (const transaction of [
          sampleTransaction(),
          sampleTransaction({
            to: safe,
            value: 1n,
            data: "0x",
            operation: 1,
            safeTxGas: 2n,
            baseGas: 3n,
            gasPrice: 4n,
            gasToken: address as Address,
            refundReceiver: safe,
            nonce: 5n,
          }),
          sampleTransaction({
            refundReceiver: ZERO_ADDRESS,
            nonce: 2n ** 200n,
          }),
        ]) {
          const { domainHash, safeTxHash } = hashSafeTransaction(
            domain,
            transaction,
          );
          expect(safeTxHash).to.equal(
            await read(contract, "getTransactionHash", [
              transaction.to,
              transaction.value,
              transaction.data,
              transaction.operation,
              transaction.safeTxGas,
              transaction.baseGas,
              transaction.gasPrice,
              transaction.gasToken,
              transaction.refundReceiver,
              transaction.nonce,
            ]),
          );
          expect(domainHash).to.equal(await read(contract, "domainSeparator"));
        }
      });
    }
  }
});
