import { expect } from "chai";
import { Interface } from "ethers";

import type { Hex } from "../../src/core/hex.js";
import { formatProposal, formatProposalLine } from "../../src/display/safe.js";
import type { Paint } from "../../src/display/text.js";
import { openProposal } from "../../src/recovery/safe/proposal-view.js";
import { DANGERS } from "../../src/safe/danger.js";
import { openSession } from "../../src/session/open-session.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { sessionSource } from "../helpers/recovery-session.js";
import { openSafeScene } from "../tasks/safe-scene.js";

const marked: Paint = (style, text) => `<${style}>${text}</${style}>`;

describe("what a signer sees", () => {
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  it("is all that decides, dangers and disagreement in red", async () => {
    const scene = await openSafeScene(folder.path);
    const data = new Interface([
      "function changeThreshold(uint256)",
    ]).encodeFunctionData("changeThreshold", [1n]) as Hex;
    const hash = await scene.propose({ to: scene.safe, data, nonce: 2n });
    const source = sessionSource(
      scene.connection,
      `${folder.path}/deployments`,
    );
    const { ports } = await openSession(source);
    const view = await openProposal(ports, hash);
    const text = formatProposal(view, DANGERS, marked);
    const { ours } = view.witnesses;
    for (const shown of [
      "chainId 31337",
      `${scene.safe}, version 1.4.1`,
      "3 of 5 owners",
      ...scene.owners,
      "<yellow>2; 2 transactions must go before it</yellow>",
      "1. changeThreshold(1)",
      data,
      "<red>DANGER threshold-change: call 1 changes how many owners must sign</red>",
      "not simulated",
      ours.domainHash,
      ours.messageHash,
      `<bold>${hash}</bold>`,
      "protocol-kit says the same",
      "the Safe itself says the same",
    ]) {
      expect(text).to.contain(shown);
    }
    expect(formatProposalLine(view, marked)).to.contain("0 of 3 signed");

    const pausing = new Interface([
      "function execute(address,bytes)",
    ]).encodeFunctionData("execute", [
      scene.platform.skillProfile,
      "0x8456cb59",
    ]) as Hex;
    const { beacon: manager } = scene.platform;
    const carrying = await openProposal(
      ports,
      await scene.propose({ to: manager, data: pausing }),
    );
    expect(formatProposal(carrying, DANGERS, marked)).to.contain(
      "     1.1. SkillProfile.pause()",
    );
    expect(formatProposalLine(carrying, marked)).to.contain(
      "SkillClaim's beacon.execute(SkillProfile.pause())",
    );

    const other: Hex = `0x${"11".repeat(32)}`;
    const lied = formatProposal(
      { ...view, witnesses: { ...view.witnesses, contract: other } },
      DANGERS,
      marked,
    );
    expect(lied).to.contain(`the Safe itself <red>says ${other}</red>`);
    const simulated = formatProposal(
      {
        ...view,
        simulation: {
          block: 7,
          status: "failed",
          reason: "GS013",
          changes: ["SkillProfile paused: false → true"],
        },
        moved: [
          {
            name: "SkillProfile",
            what: "admin",
            approved: "0x1",
            found: "0x2",
          },
        ],
      },
      DANGERS,
      marked,
    );
    expect(simulated).to.contain(
      "<red>fails: GS013</red> on a fork of block 7",
    );
    expect(simulated).to.contain("paused: false → true");
    expect(simulated).to.contain("<red>SkillProfile: the admin is 0x2");
  });
});
