import { expect } from "chai";

import type { Address } from "../../src/core/hex.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import {
  contractAt,
  deploy,
  read,
  send,
  signer,
  type Connection,
} from "../helpers/contracts.js";
import { breakPlatform, deployPlatform } from "../helpers/deploy-platform.js";
import {
  deployPlain,
  deployUups,
  upgradeProxy,
} from "../helpers/deploy-proxies.js";
import {
  deployAave,
  deployClone,
  deployEip173,
  deployOfFactory,
  deploySolady,
  deployTransparentV34,
  deployUupsV41,
  deployZosOriginal,
  type UpgradedProxy,
} from "../helpers/families.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { openRecovery } from "../session/recovery.js";

const IMPLEMENTATION =
  "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";
const ZOS_IMPLEMENTATION =
  "0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3";

const STRANGER: Address = "0x00000000000000000000000000000000DeaDBeef";
const UPGRADER = 1;
const OWNER = 0;

interface Family {
  readonly deploy: (connection: Connection) => Promise<UpgradedProxy>;
  readonly kind: string;
  readonly slot?: string;
  readonly upgrader: number;
}

const FAMILIES: Readonly<Record<string, Family>> = {
  "OpenZeppelin 3.4, transparent": {
    deploy: deployTransparentV34,
    kind: "transparent",
    upgrader: OWNER,
  },
  "OpenZeppelin 4.1, UUPS without proxiableUUID": {
    deploy: deployUupsV41,
    kind: "uups",
    upgrader: UPGRADER,
  },
  "ZeppelinOS's slots": {
    deploy: deployZosOriginal,
    kind: "zos",
    slot: ZOS_IMPLEMENTATION,
    upgrader: UPGRADER,
  },
  "hardhat-deploy's EIP173Proxy": {
    deploy: deployEip173,
    kind: "transparent",
    upgrader: UPGRADER,
  },
  "Aave's proxy with its admin in the code": {
    deploy: deployAave,
    kind: "transparent",
    upgrader: UPGRADER,
  },
  "a proxy of Solady's ERC1967Factory": {
    deploy: deployOfFactory,
    kind: "transparent",
    upgrader: UPGRADER,
  },
  "Solady's UUPS": { deploy: deploySolady, kind: "uups", upgrader: OWNER },
};

describe("proxies of other families", () => {
  const folder = useTemporaryFolder();

  for (const [name, family] of Object.entries(FAMILIES)) {
    it(`are understood and rolled back: ${name}`, async () => {
      const { connection, dr, init, file } = await openRecovery(folder.path);
      const target = await family.deploy(connection);
      await init({ Target: target.proxy });
      const { contracts } = await file();
      const history = contracts.Target?.history ?? [];
      expect(
        history.map(({ implementation }) => implementation.toLowerCase()),
      ).to.deep.equal(
        [target.first, target.second].map((each) => each.toLowerCase()),
      );
      expect(history[1]?.tx).to.match(/^0x/);

      const status = await dr.status();
      const upgrader = (await signer(connection, family.upgrader)).address;
      expect(status.contracts[0]).to.deep.include({
        kind: family.kind,
        paused: false,
        drift: [],
      });
      const holders = [{ kind: "eoa", address: upgrader }];
      expect(status.contracts[0])
        .to.have.property("upgradeAuthority")
        .that.deep.includes({ holders, confirmed: true });
      const owner = (await signer(connection, OWNER)).address;
      expect(status.contracts[0])
        .to.have.property("pauseAuthority")
        .that.deep.includes({
          holders: [{ kind: "eoa", address: owner }],
          confirmed: true,
        });

      const { contracts: results } = await dr.rollback();
      expect(results[0]!.txs.map(({ step }) => step)).to.deep.equal([
        "pause",
        "rollback",
        "unpause",
      ]);
      const slot = family.slot ?? IMPLEMENTATION;
      const word = await connection.ethers.provider.getStorage(
        target.proxy,
        slot,
      );
      expect(`0x${word.slice(26)}`).to.equal(target.first.toLowerCase());
      expect((await file()).contracts.Target?.history.at(-1)).to.include({
        reason: "rollback",
        tx: results[0]!.txs[1]!.tx,
      });
    });
  }

  it("are what they are when nothing upgrades them: a clone, a plain contract", async () => {
    const { connection, dr, init } = await openRecovery(folder.path);
    const implementation = await deploy(connection, "PausableV4");
    await init({
      Clone: await deployClone(connection, implementation),
      Plain: await deployPlain(connection),
    });
    const clone = await refusalOf(() => dr.rollback({ contracts: ["Clone"] }));
    expect(clone).to.include({ code: "NOT_UPGRADABLE", exitCode: 3 });
    expect(clone.values.what).to.include(implementation);
    const plain = await refusalOf(() => dr.rollback());
    expect(plain).to.include({ code: "NOT_UPGRADABLE", exitCode: 3 });
  });

  it("are rolled back all, though some can't be and some have nothing to go back to", async () => {
    const { connection, dr, init, file } = await openRecovery(folder.path);
    const platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    const foreign = await deployUups(connection);
    await upgradeProxy(connection, foreign, await deploy(connection, "UupsV5"));
    const counter = await contractAt(connection, "UupsV5", foreign.proxy);
    await send(connection, counter, "transferOwnership", [STRANGER]);
    await init({
      Foreign: foreign.proxy,
      ...platformProxies(platform),
      Plain: await deployPlain(connection),
    });
    const error = await refusalOf(() => dr.rollback());
    expect(error.code).to.equal("AUTHORITY_ELSEWHERE");
    expect(error.values.who).to.include(STRANGER);
    const { contracts } = await file();
    expect(
      Object.keys(contracts).filter((name) =>
        contracts[name]?.history.some(({ reason }) => reason === "rollback"),
      ),
    ).to.have.members(Object.keys(platformProxies(platform)));
  });

  it("are all left alone when one of those that were named can't be rolled back", async () => {
    const { connection, dr, init, blockNumber } = await openRecovery(
      folder.path,
    );
    const platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    await init({
      ...platformProxies(platform),
      Plain: await deployPlain(connection),
    });
    const before = await blockNumber();
    const contracts = ["SkillProfile", "Plain"];
    const error = await refusalOf(() => dr.rollback({ contracts }));
    expect(error.code).to.equal("NOT_UPGRADABLE");
    expect(await blockNumber()).to.equal(before);
  });

  it("behind one beacon are recorded together when one of them is rolled back", async () => {
    const { connection, dr, init, file } = await openRecovery(folder.path);
    const platform = await deployPlatform(connection);
    const twin = await deploy(
      connection,
      "@openzeppelin/contracts/proxy/beacon/BeaconProxy.sol:BeaconProxy",
      [platform.beacon, "0x"],
    );
    await breakPlatform(connection, platform);
    await init({ Claim: platform.skillClaim, Twin: twin });
    await dr.rollback({ contracts: ["Claim"] });
    const { contracts } = await file();
    expect(contracts.Twin?.history.at(-1)).to.deep.equal(
      contracts.Claim?.history.at(-1),
    );
    for (const contract of (await dr.status()).contracts) {
      expect(contract.drift).to.deep.equal([]);
    }
    expect(await versionOf(connection, twin)).to.equal("1.0.0");
  });
});

async function versionOf(
  connection: Connection,
  proxy: Address,
): Promise<unknown> {
  return await read(
    await contractAt(connection, "SkillClaim", proxy),
    "version",
  );
}
