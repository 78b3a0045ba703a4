import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import {
  formatPermission,
  permissionToJson,
} from "../../src/authority/describe.js";
import type { Address, Hex } from "../../src/core/hex.js";
import { formatStatus } from "../../src/display/status.js";
import { plain } from "../../src/display/text.js";
import { createProposal, writeProposal } from "../../src/safe/proposal.js";
import { createSealing } from "../../src/safe/sealing.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { sampleTransaction } from "../safe/sample-transaction.js";
import { AT } from "../safe/sign.js";
import { openSafeScene, type SafeScene } from "./safe-scene.js";

interface StatusJson {
  readonly contracts: readonly unknown[];
  readonly safeTransactions: readonly {
    readonly safeTxHash: Hex;
    readonly safe: Address;
    readonly nonce: string;
    readonly ahead: string;
    readonly approvals: number;
    readonly threshold: number;
    readonly missing: readonly Address[];
    readonly calls: readonly {
      readonly name: string;
      readonly method: string;
    }[];
  }[];
  readonly safeTransactionsUnread?: readonly {
    readonly path: string;
    readonly error: { readonly code: string };
  }[];
}

describe("dr:status and what is proposed to Safes", () => {
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function status(scene: SafeScene): Promise<StatusJson> {
    return (await scene.run("dr:status", {
      names: [],
    })) as unknown as StatusJson;
  }

  async function textOf({ connection }: SafeScene): Promise<string> {
    const words = { toText: formatPermission, toJson: permissionToJson };
    const found = await connection.dr.status();
    return formatStatus(found, words, plain);
  }

  async function propose({ run }: SafeScene, nonce: string): Promise<Hex> {
    const { safeTxHash } = await run("dr:safe:propose", {
      calls: ["Endorsement.pause()"],
      nonce,
      yes: true,
    });
    return safeTxHash;
  }

  it("tells what is proposed, whose signatures are missing, and what comes first", async () => {
    const scene = await openSafeScene(folder.path);
    const [first, second] = [
      await propose(scene, "0"),
      await propose(scene, "1"),
    ];
    await scene.sign(first, 1);
    const { safeTransactions, safeTransactionsUnread } = await status(scene);
    expect(safeTransactionsUnread).to.equal(undefined);
    expect(safeTransactions).to.have.lengthOf(2);
    expect(safeTransactions[0]).to.deep.include({
      safeTxHash: first,
      safe: scene.safe,
      nonce: "0",
      ahead: "0",
      approvals: 1,
      threshold: 3,
      missing: scene.owners.slice(1),
    });
    expect(safeTransactions[0]?.calls[0]).to.include({
      name: "Endorsement",
      method: "pause()",
    });
    expect(safeTransactions[1]).to.include({
      safeTxHash: second,
      ahead: "1",
      approvals: 0,
    });
    const table = await textOf(scene);
    expect(table)
      .to.include(`1 of 3 signed  ${first}`)
      .and.to.include(`nonce 1: after 1 other transaction`);
  });

  it("says nothing of what was executed, or can't be any more", async () => {
    const scene = await openSafeScene(folder.path);
    const executed = await propose(scene, "0");
    const overtaken = await scene.propose({ nonce: 0n, value: 1n });
    await scene.sign(executed, 3);
    expect((await status(scene)).safeTransactions.map(hashOf)).to.have.members([
      executed,
      overtaken,
    ]);
    expect(await textOf(scene)).to.include(
      `npx hardhat dr:safe:execute ${executed}`,
    );
    await scene.run("dr:safe:execute", { proposal: executed, yes: true });
    expect((await status(scene)).safeTransactions).to.deep.equal([]);
    expect(await textOf(scene)).to.not.include("proposed to Safes");
    const next = await propose(scene, "1");
    expect((await status(scene)).safeTransactions[0]).to.include({
      safeTxHash: next,
      ahead: "0",
    });
  });

  it("isn't kept from telling the rest by a file or a Safe that can't be read", async () => {
    const scene = await openSafeScene(folder.path);
    const good = await propose(scene, "0");
    const broken = join(scene.folder, "safe", `0x${"ab".repeat(32)}.json`);
    await writeFile(broken, "{");
    const noSafe = createProposal({
      chainId: 31337,
      safe: scene.platform.endorsement,
      safeVersion: "1.4.1",
      transaction: sampleTransaction({}),
      block: 1,
      proposedAt: AT,
      contracts: [],
    });
    const place = { folder: scene.folder, sealing: createSealing(undefined) };
    await writeProposal(place, noSafe);
    const { contracts, ...told } = await status(scene);
    expect(contracts).to.have.lengthOf(3);
    expect(told.safeTransactions.map(hashOf)).to.deep.equal([good]);
    expect(
      told.safeTransactionsUnread?.map(({ error: { code } }) => code),
    ).to.have.members(["PROPOSAL_INVALID", "NOT_A_SAFE"]);
    expect(await textOf(scene)).to.include("1 proposal can't be read here");
  });
});

function hashOf({ safeTxHash }: { readonly safeTxHash: Hex }): Hex {
  return safeTxHash;
}
