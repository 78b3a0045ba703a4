import { expect } from "chai";
import hre from "hardhat";

import { requireAnvil, startAnvil, type Anvil } from "../helpers/anvil.js";
import { connectTo } from "../helpers/connect-anvil.js";
import {
  contractAt,
  read,
  revertOf,
  send,
  signer,
  type Connection,
} from "../helpers/contracts.js";
import {
  breakPlatform,
  deployPlatform,
  type Platform,
} from "../helpers/deploy-platform.js";

const WEAVING = `0x${"77".repeat(32)}`;
const CONTRACTS = [
  ["SkillProfile", "skillProfile"],
  ["Endorsement", "endorsement"],
  ["SkillClaim", "skillClaim"],
] as const;

describe("the sample platform", () => {
  describe("on the simulated chain", () => {
    describePlatform(async () => await hre.network.create());
  });

  describe("on anvil", () => {
    let anvil: Anvil | undefined;

    before(async function () {
      requireAnvil(this);
      anvil = await startAnvil();
    });
    after(async () => {
      await anvil?.stop();
    });

    describePlatform(async () => await connectTo(anvil?.url ?? ""));
  });
});

function describePlatform(connect: () => Promise<Connection>): void {
  let connection: Connection;
  let platform: Platform;

  beforeEach(async () => {
    connection = await connect();
    platform = await deployPlatform(connection);
  });

  it("deploys three proxies at version 1.0.0, unpaused", async () => {
    for (const [name, key] of CONTRACTS) {
      const contract = await contractAt(connection, name, platform[key]);
      expect(await read(contract, "version")).to.equal("1.0.0");
      expect(await read(contract, "paused")).to.equal(false);
    }
  });

  it("refuses its guarded function while paused, and answers", async () => {
    const calls = {
      SkillProfile: ["register", ["Aiko", "weaving"]],
      Endorsement: ["endorse", [platform.owner, WEAVING]],
      SkillClaim: ["claim", [WEAVING, "ipfs://cloth"]],
    } as const;
    for (const [name, key] of CONTRACTS) {
      const [method, args] = calls[name];
      const member = await contractAt(
        connection,
        name,
        platform[key],
        await signer(connection, 1),
      );
      const owned = await contractAt(connection, name, platform[key]);
      await send(connection, owned, "pause");
      expect(await revertOf(member, method, args)).to.equal("EnforcedPause");
      expect(await read(member, "version")).to.equal("1.0.0");
      await send(connection, owned, "unpause");
      await send(connection, member, method, args);
    }
  });

  it("2.0.0 lets nobody new register", async () => {
    await breakPlatform(connection, platform);
    const profile = await contractAt(
      connection,
      "SkillProfileV2",
      platform.skillProfile,
      await signer(connection, 1),
    );
    expect(await read(profile, "version")).to.equal("2.0.0");
    expect(await revertOf(profile, "register", ["Aiko", "weaving"])).to.equal(
      "NotReputable",
    );
  });

  it("2.0.0 forgets the endorsements of before", async () => {
    const member = await signer(connection, 1);
    const endorsement = await contractAt(
      connection,
      "Endorsement",
      platform.endorsement,
    );
    await send(connection, endorsement, "endorse", [member.address, WEAVING]);
    const count = [member.address, WEAVING];
    expect(await read(endorsement, "endorsementCount", count)).to.equal(1n);
    await breakPlatform(connection, platform);
    expect(await read(endorsement, "version")).to.equal("2.0.0");
    expect(await read(endorsement, "endorsementCount", count)).to.equal(0n);
    expect(await read(endorsement, "totalEndorsements")).to.equal(1n);
  });

  it("2.0.0 lets anybody verify their own claim", async () => {
    const claims = await contractAt(
      connection,
      "SkillClaim",
      platform.skillClaim,
      await signer(connection, 1),
    );
    await send(connection, claims, "claim", [WEAVING, "ipfs://cloth"]);
    expect(await revertOf(claims, "verify", [0n])).to.equal(
      "OwnableUnauthorizedAccount",
    );
    await breakPlatform(connection, platform);
    expect(await read(claims, "version")).to.equal("2.0.0");
    await send(connection, claims, "verify", [0n]);
    const claim = (await read(claims, "claimAt", [0n])) as {
      readonly verified: boolean;
    };
    expect(claim.verified).to.equal(true);
  });
}
