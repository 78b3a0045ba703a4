import { expect } from "chai";
import { Interface } from "ethers";
import hre from "hardhat";

import type { Address, Hex } from "../../src/core/hex.js";
import { innerSignable } from "../../src/safe/owner-message.js";
import {
  parseSignature,
  type SafeSignature,
} from "../../src/safe/owner-signature.js";
import { readSafeState, type SafeState } from "../../src/safe/safe-state.js";
import {
  assembleSignatures,
  checkSignatures,
  requireValid,
  signableOf,
} from "../../src/safe/signature.js";
import type {
  SafeDomain,
  SafeTransaction,
} from "../../src/safe/transaction.js";
import { codeOf } from "../deployments/refusal.js";
import { read, send, signer, type Connection } from "../helpers/contracts.js";
import {
  deploySafe,
  deploySafeContract,
  SAFE_VERSIONS,
  safeAt,
  type SafeVersion,
} from "../helpers/deploy-governance.js";
import { sampleTransaction } from "./sample-transaction.js";
import {
  addresses,
  argumentsOf,
  AT,
  readerOf,
  signAs,
  signTyped,
} from "./sign.js";

const CHAIN = 31337n;

describe("a Safe's signatures", () => {
  let connection: Connection;

  beforeEach(async () => {
    connection = await hre.network.create();
  });

  interface Case {
    readonly safe: Address;
    readonly domain: SafeDomain;
    readonly transaction: SafeTransaction;
  }

  /** A Safe whose transaction gives a wei to somebody. */
  async function prepare(
    owners: readonly Address[],
    threshold: number,
    version: SafeVersion,
    singleton: "Safe" | "SafeL2" = "SafeL2",
  ): Promise<Case> {
    const fallbackHandler = await deploySafeContract(
      connection,
      "CompatibilityFallbackHandler",
      version,
    );
    const safe = await deploySafe(connection, {
      owners,
      threshold,
      version,
      singleton,
      fallbackHandler,
    });
    const funder = await signer(connection);
    await funder.sendTransaction({ to: safe, value: 10n });
    const [receiver] = await addresses(connection, 19);
    return {
      safe,
      domain: { chainId: CHAIN, safe, version },
      transaction: sampleTransaction({ to: receiver!, value: 1n, data: "0x" }),
    };
  }

  async function stateOf({ safe }: Case): Promise<SafeState> {
    return await readSafeState(await readerOf(connection), safe);
  }

  async function check(one: Case, signatures: readonly SafeSignature[]) {
    const { domain, transaction } = one;
    return await checkSignatures(
      await readerOf(connection),
      await stateOf(one),
      domain,
      transaction,
      signatures,
    );
  }

  async function assemble(
    one: Case,
    signatures: readonly SafeSignature[],
    sender?: Address,
  ): Promise<Hex> {
    const { domain, transaction } = one;
    return await assembleSignatures(
      await readerOf(connection),
      await stateOf(one),
      domain,
      transaction,
      signatures,
      sender,
    );
  }

  /** Has the Safe execute it for real. */
  async function execute(
    { safe, transaction }: Case,
    signatures: Hex,
    from = 18,
  ): Promise<void> {
    const contract = await safeAt(
      connection,
      safe,
      await signer(connection, from),
    );
    await send(connection, contract, "execTransaction", [
      ...argumentsOf(transaction),
      signatures,
    ]);
    expect(await read(contract, "nonce")).to.equal(transaction.nonce + 1n);
  }

  for (const version of SAFE_VERSIONS) {
    for (const singleton of ["Safe", "SafeL2"] as const) {
      it(`of every kind make a 3-of-5 ${singleton} ${version} act`, async () => {
        const owners = await addresses(connection, 1, 2, 3, 4, 5);
        const one = await prepare(owners, 3, version, singleton);
        const signable = signableOf(one.domain, one.transaction);
        const typed = await signAs(connection, owners[0]!, signable);
        // What a wallet's eth_sign gives: v is 27 or 28, only the hash differs.
        const personal = (await connection.provider.request({
          method: "personal_sign",
          params: [signable.hash, owners[1]],
        })) as Hex;
        const prefixed = {
          ...parseSignature(personal, signable.hash, owners),
          at: AT,
        };
        expect(prefixed.kind).to.equal("eth-sign");
        expect(Number(`0x${prefixed.signature.slice(-2)}`)).to.be.above(30);
        const safe = await safeAt(
          connection,
          one.safe,
          await signer(connection, 3),
        );
        await send(connection, safe, "approveHash", [signable.hash]);

        const found = await check(one, [typed, prefixed]);
        expect(found.valid.map((valid) => valid.signer)).to.deep.equal(
          owners.slice(0, 2),
        );
        expect(found.approved).to.deep.equal([owners[2]]);
        expect(found.missing).to.deep.equal(owners.slice(3));
        expect(found.invalid).to.deep.equal([]);
        await execute(one, await assemble(one, [prefixed, typed]));
      });
    }

    it(`need one less of ${version} when an owner sends`, async () => {
      const owners = await addresses(connection, 1, 2, 3);
      const one = await prepare(owners, 2, version);
      const signable = signableOf(one.domain, one.transaction);
      const typed = await signAs(connection, owners[0]!, signable);
      expect(await codeOf(async () => assemble(one, [typed]))).to.equal(
        "SIGNATURES_MISSING",
      );
      expect(
        await codeOf(async () => assemble(one, [typed], owners[0])),
      ).to.equal("SIGNATURES_MISSING");
      await execute(one, await assemble(one, [typed], owners[1]), 2);
    });

    for (const innerVersion of SAFE_VERSIONS) {
      const takesLegacy = version === "1.5.0" || innerVersion !== "1.5.0";
      it(`of an owner of ${version} that is a Safe ${innerVersion} ${takesLegacy ? "are its own owners'" : "must be approvals"}`, async () => {
        const innerOwners = await addresses(connection, 6, 7, 8);
        const inner = await prepare(innerOwners, 2, innerVersion);
        const owners = [
          ...(await addresses(connection, 1, 2)),
          inner.safe,
        ] as const;
        const one = await prepare(owners, 2, version);
        const signable = signableOf(one.domain, one.transaction);
        const message = innerSignable({ version }, signable, inner.domain);
        const typed = await signAs(connection, owners[0], signable);
        const nested: SafeSignature = {
          signer: inner.safe,
          kind: "contract",
          signature: "0x",
          at: AT,
          nested: [await signAs(connection, innerOwners[0]!, message)],
        };

        const partly = await check(one, [typed, nested]);
        expect(partly.partial.map((part) => part.signer)).to.deep.equal([
          inner.safe,
        ]);
        expect(partly.partial[0]?.check.missing).to.deep.equal(
          innerOwners.slice(1),
        );
        expect(partly.missing).to.include(inner.safe);
        expect(
          await codeOf(async () => assemble(one, [typed, nested])),
        ).to.equal("SIGNATURES_MISSING");

        const whole = {
          ...nested,
          nested: [
            ...nested.nested!,
            await signAs(connection, innerOwners[2]!, message),
          ],
        };
        const full = await check(one, [typed, whole]);
        if (takesLegacy) {
          expect(full.invalid).to.deep.equal([]);
          expect(full.valid.map((valid) => valid.signer)).to.deep.equal([
            owners[0],
            inner.safe,
          ]);
          await execute(one, await assemble(one, [typed, whole]));
        } else {
          expect(full.invalid.map(({ error }) => error.code)).to.deep.equal([
            "SIGNATURE_CONTRACT_REFUSES",
          ]);
          await approveAsSafe(inner, innerOwners, one.safe, signable.hash);
          const approved = await check(one, [typed]);
          expect(approved.approved).to.deep.equal([inner.safe]);
          await execute(one, await assemble(one, [typed]));
        }
      });
    }
  }

  it("of two owners that are Safes stand one behind the other", async () => {
    const innerOwners = await addresses(connection, 6, 7);
    const inner = await Promise.all(
      innerOwners.map(async (owner) => await prepare([owner], 1, "1.4.1")),
    );
    const one = await prepare(
      inner.map(({ safe }) => safe),
      2,
      "1.4.1",
    );
    const signable = signableOf(one.domain, one.transaction);
    const signatures = await Promise.all(
      inner.map(async ({ safe, domain }, index): Promise<SafeSignature> => {
        const message = innerSignable(domain, signable, domain);
        return {
          signer: safe,
          kind: "contract",
          signature: "0x",
          at: AT,
          nested: [await signAs(connection, innerOwners[index]!, message)],
        };
      }),
    );
    await execute(one, await assemble(one, signatures));
  });

  async function approveAsSafe(
    inner: Case,
    owners: readonly Address[],
    safe: Address,
    hash: Hex,
  ): Promise<void> {
    const approve = {
      ...inner,
      transaction: sampleTransaction({
        to: safe,
        data: new Interface([
          "function approveHash(bytes32)",
        ]).encodeFunctionData("approveHash", [hash]) as Hex,
      }),
    };
    const signable = signableOf(approve.domain, approve.transaction);
    const signatures = await Promise.all(
      owners
        .slice(0, 2)
        .map(async (owner) => await signAs(connection, owner, signable)),
    );
    await execute(approve, await assemble(approve, signatures));
  }

  it("of an owner that says it is a Safe, but isn't, are worth nothing", async () => {
    const owners = await addresses(connection, 1, 2);
    const one = await prepare(owners, 1, "1.5.0");
    const contract: SafeSignature = {
      signer: owners[0]!,
      kind: "contract",
      signature: "0x1234",
      at: AT,
    };
    const { invalid, valid } = await check(one, [{ ...contract, nested: [] }]);
    expect(valid).to.deep.equal([]);
    expect(invalid.map(({ error }) => error.code)).to.deep.equal([
      "NOT_A_SAFE",
    ]);
    const refused = await check(one, [contract]);
    expect(refused.invalid.map(({ error }) => error.code)).to.deep.equal([
      "SIGNATURE_CONTRACT_REFUSES",
    ]);
  });

  describe("that are worth nothing", () => {
    let one: Case;
    let owners: Address[];

    beforeEach(async () => {
      owners = await addresses(connection, 1, 2, 3);
      one = await prepare(owners, 2, "1.4.1");
    });

    async function reject(signature: SafeSignature): Promise<string> {
      const found = await check(one, [signature]);
      expect(found.valid).to.deep.equal([]);
      expect(found.missing).to.deep.equal(owners);
      return await codeOf(() => {
        requireValid(found, signature.signer);
      });
    }

    it("aren't an owner's", async () => {
      const [stranger] = await addresses(connection, 9);
      const signable = signableOf(one.domain, one.transaction);
      const signature = await signAs(connection, stranger!, signable);
      expect(signature.signer).to.equal(stranger);
      expect(await reject(signature)).to.equal("SIGNATURE_NOT_OF_OWNER");
      // Claimed to be an owner's.
      const claimed = { ...signature, signer: owners[0]! };
      expect(await reject(claimed)).to.equal("SIGNATURE_NOT_OF_OWNER");
    });

    it("are there twice", async () => {
      const signable = signableOf(one.domain, one.transaction);
      const typed = await signAs(connection, owners[0]!, signable);
      const found = await check(one, [typed, typed]);
      expect(found.valid).to.have.length(1);
      expect(found.invalid.map(({ error }) => error.code)).to.deep.equal([
        "SIGNATURE_DUPLICATE",
      ]);
      expect(await codeOf(async () => assemble(one, [typed, typed]))).to.equal(
        "SIGNATURES_MISSING",
      );
    });

    it("were made for another nonce, chain or Safe", async () => {
      const { domain, transaction } = one;
      const sign = async (
        otherDomain: Partial<SafeDomain>,
        other: Partial<SafeTransaction>,
      ) => {
        const signable = signableOf(
          { ...domain, ...otherDomain },
          { ...transaction, ...other },
        );
        const bytes = await signTyped(connection, owners[1]!, signable);
        const { hash } = signableOf(domain, transaction);
        return { ...parseSignature(bytes, hash, owners), at: AT };
      };
      expect(await reject(await sign({}, { nonce: 3n }))).to.equal(
        "SIGNATURE_OTHER_NONCE",
      );
      expect(await reject(await sign({ chainId: 1n }, {}))).to.equal(
        "SIGNATURE_OTHER_CHAIN",
      );
      const { safe } = await prepare(owners, 1, "1.4.1");
      const elsewhere = await sign({ safe }, {});
      const found = await checkSignatures(
        await readerOf(connection),
        await stateOf(one),
        domain,
        transaction,
        [elsewhere],
        { safes: [safe] },
      );
      expect(found.invalid.map(({ error }) => error.code)).to.deep.equal([
        "SIGNATURE_OTHER_SAFE",
      ]);
    });

    it("claim an approval that isn't on the chain", async () => {
      const { hash } = signableOf(one.domain, one.transaction);
      const [owner = "0x"] = owners;
      const bytes: Hex = `0x${owner.slice(2).padStart(64, "0")}${"00".repeat(32)}01`;
      const parsed = parseSignature(bytes, hash, owners);
      expect(parsed).to.deep.include({ signer: owner, kind: "approved" });
      expect(await reject({ ...parsed, at: AT })).to.equal(
        "SIGNATURE_NOT_APPROVED",
      );
    });

    it("aren't signatures at all", async () => {
      const { hash } = signableOf(one.domain, one.transaction);
      for (const bytes of [
        "0x",
        "0xzz",
        `0x${"11".repeat(64)}`,
        `0x${"11".repeat(64)}05`,
        `0x${"11".repeat(64)}00${"22".repeat(40)}`,
        `0x${"ff".repeat(64)}1b`,
      ] as const) {
        expect(
          await codeOf(() => parseSignature(bytes, hash, owners)),
        ).to.equal("SIGNATURE_MALFORMED");
      }
    });

    it("are refused by the Safe itself, though all looked well", async () => {
      const signable = signableOf(one.domain, one.transaction);
      const signatures = await Promise.all(
        owners
          .slice(0, 2)
          .map(async (owner) => await signAs(connection, owner, signable)),
      );
      const state = await stateOf(one);
      // An RPC, or a state, that tells of a lower threshold.
      expect(
        await codeOf(
          async () =>
            await assembleSignatures(
              await readerOf(connection),
              { ...state, threshold: 1 },
              one.domain,
              one.transaction,
              signatures,
            ),
        ),
      ).to.equal("SIGNATURES_REFUSED");
    });
  });

  it("have one form only, the one with the low s", async () => {
    const [owner] = await addresses(connection, 1);
    const one = await prepare([owner!], 1, "1.5.0");
    const signable = signableOf(one.domain, one.transaction);
    const { signature } = await signAs(connection, owner!, signable);
    const order =
      0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const s = order - BigInt(`0x${signature.slice(66, 130)}`);
    const v = signature.endsWith("1b") ? "1c" : "1b";
    const high: Hex = `0x${signature.slice(2, 66)}${s.toString(16).padStart(64, "0")}${v}`;
    expect(parseSignature(high, signable.hash, [owner!])).to.deep.include({
      signer: owner,
      signature,
    });
    // Some wallets count v from 0.
    const zero: Hex = `0x${signature.slice(2, 130)}${signature.endsWith("1b") ? "00" : "01"}`;
    expect(parseSignature(zero, signable.hash, [owner!])).to.deep.include({
      signer: owner,
      signature,
    });
  });

  it("of a contract are read as a Safe writes them", async () => {
    const [owner] = await addresses(connection, 1);
    const encoded: Hex = `0x${owner!.slice(2).toLowerCase().padStart(64, "0")}${"41".padStart(64, "0")}00${"2".padStart(64, "0")}abcd`;
    expect(parseSignature(encoded, `0x${"00".repeat(32)}`, [])).to.deep.equal({
      signer: owner,
      kind: "contract",
      signature: "0xabcd",
    });
  });
});
