import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import type { DrConfig } from "../../src/config/types.js";
import type { Address } from "../../src/core/hex.js";
import {
  chooseAbsent,
  findIrreplaceable,
  findPresent,
  without,
  type Present,
} from "../../src/drill/absence.js";
import { createRandom } from "../../src/drill/random.js";
import type { SafeSigners } from "../../src/rehearsal/authority-accounts.js";
import type { SessionSource } from "../../src/session/open-session.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { deployPlatform } from "../helpers/deploy-platform.js";
import { govern } from "../helpers/govern.js";
import {
  initialize,
  platformProxies,
  sessionSource,
} from "../helpers/recovery-session.js";

const PRESENT: Present = {
  signers: [`0x${"1".repeat(40)}`, `0x${"2".repeat(40)}`],
  safes: [],
  rpcs: ["one.example", "two.example"],
  targets: ["s3", "gcs"],
};

describe("absence", () => {
  const folder = useTemporaryFolder();

  it("is chance that can be had again", () => {
    const all = new Set<string>();
    for (let seed = 0; seed < 60; seed += 1) {
      const first = chooseAbsent(PRESENT, createRandom(seed));
      expect(chooseAbsent(PRESENT, createRandom(seed))).to.deep.equal(first);
      all.add(`${String(first?.kind)} ${String(first?.name)}`);
    }
    expect(all.size).to.equal(6);
  });

  it("spares whom nobody can stand in for, and says so", () => {
    const alone: Present = {
      signers: [PRESENT.signers[0]!],
      safes: [],
      rpcs: ["one.example"],
      targets: ["s3"],
    };
    expect(chooseAbsent(alone, createRandom(1))).to.equal(null);
    expect(findIrreplaceable(alone)).to.have.length(3);
    const nothing = { signers: [], safes: [], rpcs: [], targets: [] };
    expect(chooseAbsent(nothing, createRandom(1))).to.equal(null);
    expect(findIrreplaceable(nothing)).to.deep.equal([]);
    const targets = { ...alone, targets: ["s3", "gcs"] };
    for (const seed of [1, 2, 3]) {
      expect(chooseAbsent(targets, createRandom(seed))?.kind).to.equal(
        "offsite",
      );
    }
  });

  it("is of a Safe's owners where it has more than it needs", () => {
    const [one, two, three] = ["1", "2", "3"].map(
      (digit): Address => `0x${digit.repeat(40)}`,
    );
    const wide = safeOf(2, [one!, two!, three!]);
    const nobodyElse = { ...PRESENT, signers: [], rpcs: [], targets: [] };
    const chosen = (present: Present) =>
      new Set(
        Array.from(
          { length: 40 },
          (_, seed) => chooseAbsent(present, createRandom(seed))?.name,
        ),
      );
    expect(chosen({ ...nobodyElse, safes: [wide] })).to.have.all.keys(
      one!,
      two!,
      three!,
    );
    // Whom another Safe can't do without is spared, and so is the only account.
    const safes = [wide, safeOf(1, [two!])];
    const tight: Present = { ...nobodyElse, signers: [three!], safes };
    expect(chosen(tight)).to.have.all.keys(one!);
    const sentences = findIrreplaceable(tight).join(" ");
    expect(sentences).to.match(/Safe \S+ needs its only owner/);
    expect(
      findIrreplaceable({ ...tight, safes: [safeOf(2, [one!, two!])] }).join(),
    ).to.match(/all of its 2 owners/);
  });

  it("is of those who are there, by the chain and the configuration", async () => {
    const connection = await hre.network.create();
    const platform = await deployPlatform(connection);
    const source = withTargets(connection, folder.path, ["one", "two"]);
    expect(await findPresent(source)).to.deep.equal({
      signers: [],
      safes: [],
      rpcs: [],
      targets: ["one", "two"],
    });
    await initialize(source, platformProxies(platform));
    expect((await findPresent(source)).signers).to.deep.equal([platform.owner]);
    await govern(connection, platform, "safe");
    const { signers, safes } = await findPresent(source);
    expect(signers).to.deep.equal([]);
    expect(safes).to.have.length(1);
    const [{ keys, owners, threshold }] = safes as [SafeSigners];
    expect([keys.length, owners, threshold]).to.deep.equal([3, 3, 2]);
  });

  it("takes an offsite target out of the configuration", async () => {
    const connection = await hre.network.create();
    const source = withTargets(connection, folder.path, ["one", "two"]);
    const left = await without(source, { kind: "offsite", name: "one" });
    expect(left.config.offsite.targets.map(({ name }) => name)).to.deep.equal([
      "two",
    ]);
    expect(await without(source, null)).to.equal(source);
  });

  it("takes the network's RPC out of it, and puts another in its place", async () => {
    const connection = await hre.network.create();
    const source = withTargets(connection, folder.path, []);
    const variable = (url: string) =>
      ({ getUrl: async () => await Promise.resolve(url) }) as never;
    const http: SessionSource = {
      ...source,
      networkConfig: {
        type: "http",
        url: variable("https://one.example/secret"),
      } as never,
      config: {
        ...source.config,
        rpcQuorum: {
          every: [
            variable("https://two.example"),
            variable("https://three.example"),
          ],
          byNetwork: {},
        },
      },
    };
    const left = await without(http, { kind: "rpc", name: "one.example" });
    const { networkConfig, config } = left;
    expect(
      networkConfig.type === "http" && (await networkConfig.url.getUrl()),
    ).to.equal("https://two.example");
    const others = config.rpcQuorum.byNetwork[source.networkName] ?? [];
    expect(await Promise.all(others.map((one) => one.getUrl()))).to.deep.equal([
      "https://three.example",
    ]);
    const second = await without(http, { kind: "rpc", name: "two.example" });
    expect(
      second.networkConfig.type === "http" &&
        (await second.networkConfig.url.getUrl()),
    ).to.equal("https://one.example/secret");
  });
});

function safeOf(threshold: number, keys: readonly Address[]): SafeSigners {
  const safe: Address = `0x${String(keys.length).repeat(40)}`;
  return { safe, threshold, owners: keys.length, keys };
}

function withTargets(
  connection: NetworkConnection,
  folder: string,
  names: readonly string[],
): SessionSource {
  const targets = names.map(
    (name) => ({ kind: "fs", name, directory: folder, prefix: "" }) as const,
  );
  const config: Partial<DrConfig> = { offsite: { targets } };
  return sessionSource(connection, folder, config);
}
