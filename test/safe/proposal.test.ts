import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import * as fc from "fast-check";

import type { Address, Hex } from "../../src/core/hex.js";
import type { SafeSignature } from "../../src/safe/owner-signature.js";
import {
  addSignature,
  createProposal,
  listProposals,
  mergeProposals,
  proposalPath,
  readProposal,
  writeProposal,
  type Proposal,
} from "../../src/safe/proposal.js";
import {
  encodeProposal,
  parseProposal,
} from "../../src/safe/proposal-format.js";
import { createSealing } from "../../src/safe/sealing.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  anyAddress,
  anyTransaction,
  sampleTransaction,
} from "./sample-transaction.js";
import { AT } from "./sign.js";

const SAFE = "0x9641d764fc13c8B624c04430C7356C1C7C8102e2";
const OWNERS: readonly Address[] = [
  "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
  "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
  "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
];
const EXPECTED = {
  network: "test",
  chainId: 1,
  sealing: createSealing(undefined),
};

function signatureOf(signer: Address, filling = "11"): SafeSignature {
  const signature: Hex = `0x${filling.repeat(64)}1b`;
  return { signer, kind: "eip712", signature, at: AT };
}

function nestedOf(signer: Address, ...nested: SafeSignature[]): SafeSignature {
  return { signer, kind: "contract", signature: "0x", at: AT, nested };
}

function sample(changes: Partial<Proposal> = {}): Proposal {
  return createProposal({
    chainId: 1,
    safe: SAFE,
    safeVersion: "1.4.1",
    transaction: sampleTransaction(),
    block: 1234,
    proposedAt: AT,
    contracts: [
      {
        name: "SkillProfile",
        proxy: OWNERS[0]!,
        implementation: OWNERS[1]!,
        paused: false,
        target: OWNERS[2]!,
        targetCodeHash: `0x${"ab".repeat(32)}`,
      },
    ],
    simulation: {
      block: 1234,
      status: "success",
      gasUsed: 100_000,
      changes: ["SkillProfile paused: false → true"],
    },
    ...changes,
  });
}

describe("a proposal", () => {
  const folder = useTemporaryFolder();
  const place = () => ({ folder: folder.path, sealing: EXPECTED.sealing });

  it("is read back as it was written", async () => {
    const proposal = addSignature(
      addSignature(sample(), signatureOf(OWNERS[0]!)),
      nestedOf(SAFE, signatureOf(OWNERS[1]!)),
    );
    const path = await writeProposal(place(), proposal);
    expect(path).to.equal(proposalPath(folder.path, proposal.safeTxHash));
    expect(await readProposal(path, EXPECTED)).to.deep.equal(proposal);
  });

  it("survives the round trip, whatever its transaction", () => {
    fc.assert(
      fc.property(anyTransaction, anyAddress, (transaction, safe) => {
        const proposal = sample({ transaction, safe });
        const bytes = Buffer.from(encodeProposal(proposal));
        expect(parseProposal(bytes, "file")).to.deep.equal(proposal);
      }),
    );
  });

  it("is refused with any of its bytes changed, or one more or less", () => {
    const proposal = addSignature(
      addSignature(sample(), signatureOf(OWNERS[0]!)),
      nestedOf(SAFE, signatureOf(OWNERS[1]!)),
    );
    const bytes = Buffer.from(encodeProposal(proposal));
    // Another digit, another letter's case, a space.
    for (const mask of [1, 2, 0x20]) {
      for (let at = 0; at < bytes.length; at += 1) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= mask;
        expectRefused(changed, `byte ${String(at)}`);
      }
    }
    for (let at = 0; at < bytes.length; at += 1) {
      expectRefused(
        Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
        `without byte ${String(at)}`,
      );
    }
    for (const extra of [" ", "\n", "\0", "x"]) {
      expectRefused(Buffer.concat([bytes, Buffer.from(extra)]), "longer");
    }
  });

  it("is refused when somebody made its digest fit, and not its hash", async () => {
    const forged = {
      ...sample(),
      transaction: { ...sample().transaction, to: OWNERS[2]! },
    };
    expect(await parse(encodeProposal(forged))).to.equal("PROPOSAL_CHANGED");
    const elsewhere = { ...sample(), safe: OWNERS[0]! };
    expect(await parse(encodeProposal(elsewhere))).to.equal("PROPOSAL_CHANGED");
  });

  it("is refused with fields that nobody knows, or of a newer version", async () => {
    const text = encodeProposal(sample());
    expect(
      await parse(text.replace('"block"', '"extra": 1,\n  "block"')),
    ).to.equal("PROPOSAL_INVALID");
    expect(
      await parse(text.replace('"schemaVersion": 1', '"schemaVersion": 2')),
    ).to.equal("PROPOSAL_TOO_NEW");
    expect(await parse("null")).to.equal("PROPOSAL_INVALID");
    expect(await parse("{")).to.equal("PROPOSAL_INVALID");
  });

  it("is refused under another name, on another chain, and when it is missing", async () => {
    const path = await writeProposal(place(), sample());
    const misnamed = proposalPath(folder.path, `0x${"00".repeat(32)}`);
    await rename(path, misnamed);
    expect(await codeOf(async () => readProposal(misnamed, EXPECTED))).to.equal(
      "PROPOSAL_MISNAMED",
    );
    expect(
      await readProposal(misnamed, { ...EXPECTED, anyName: true }),
    ).to.deep.equal(sample());
    expect(
      await codeOf(async () =>
        readProposal(misnamed, { ...EXPECTED, chainId: 2, anyName: true }),
      ),
    ).to.equal("WRONG_CHAIN");
    expect(await codeOf(async () => readProposal(path, EXPECTED))).to.equal(
      "PROPOSAL_MISSING",
    );
  });

  it("takes a signature of every owner once", async () => {
    const once = addSignature(sample(), signatureOf(OWNERS[0]!));
    expect(
      await codeOf(() => addSignature(once, signatureOf(OWNERS[0]!, "22"))),
    ).to.equal("SIGNATURE_DUPLICATE");
    const nested = addSignature(
      sample(),
      nestedOf(SAFE, signatureOf(OWNERS[0]!)),
    );
    const both = addSignature(nested, nestedOf(SAFE, signatureOf(OWNERS[1]!)));
    expect(
      both.signatures[0]?.nested?.map(({ signer }) => signer),
    ).to.have.members(OWNERS.slice(0, 2));
    expect(
      await codeOf(() =>
        addSignature(both, nestedOf(SAFE, signatureOf(OWNERS[1]!, "22"))),
      ),
    ).to.equal("SIGNATURE_DUPLICATE");
  });

  it("merges with a copy that others signed, in either order", () => {
    const [a, b, c] = OWNERS.map((owner) => signatureOf(owner));
    const ours = [a!, nestedOf(SAFE, a!, b!)].reduce(addSignature, sample());
    const theirs = [b!, nestedOf(SAFE, c!)].reduce(addSignature, sample());
    const merged = mergeProposals(ours, theirs);
    expect(encodeProposal(merged)).to.equal(
      encodeProposal(mergeProposals(theirs, ours)),
    );
    expect(merged.signatures.map(({ signer }) => signer)).to.have.members([
      OWNERS[0],
      OWNERS[1],
      SAFE,
    ]);
    const nested = merged.signatures.find(({ signer }) => signer === SAFE);
    expect(nested?.nested).to.have.length(3);
  });

  it("doesn't merge with another proposal", async () => {
    const other = sample({ transaction: sampleTransaction({ nonce: 1n }) });
    expect(await codeOf(() => mergeProposals(sample(), other))).to.equal(
      "PROPOSALS_DIFFER",
    );
  });

  it("loses no signature by being written again", async () => {
    const signed = addSignature(sample(), signatureOf(OWNERS[0]!));
    await writeProposal(place(), signed);
    const path = await writeProposal(place(), sample());
    expect(await readProposal(path, EXPECTED)).to.deep.equal(signed);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("1234", "1235"));
    expect(await codeOf(async () => writeProposal(place(), sample()))).to.equal(
      "PROPOSAL_CHANGED",
    );
  });

  it("is listed with the others, by nonce; a broken one too", async () => {
    expect(await listProposals(folder.path, EXPECTED)).to.deep.equal([]);
    for (const nonce of [10n, 9n]) {
      const transaction = sampleTransaction({ nonce });
      await writeProposal(place(), sample({ transaction }));
    }
    await mkdir(join(folder.path, "safe"), { recursive: true });
    await writeFile(proposalPath(folder.path, "0xbad"), "{}");
    const found = await listProposals(folder.path, EXPECTED);
    expect(
      found.map((one) =>
        "error" in one ? one.error.code : one.proposal.transaction.nonce,
      ),
    ).to.deep.equal([9n, 10n, "PROPOSAL_INVALID"]);
  });
});

function expectRefused(bytes: Buffer, what: string): void {
  let code = "accepted";
  try {
    parseProposal(bytes, "file");
  } catch (error) {
    ({ code } = error as { readonly code: string });
  }
  expect(code, what).to.match(/^PROPOSAL_(INVALID|CHANGED|TOO_NEW)$/);
}

async function parse(text: string): Promise<string> {
  return await codeOf(() => parseProposal(Buffer.from(text), "file"));
}
