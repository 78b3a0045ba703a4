import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import type { DrConfig } from "../../src/config/types.js";
import {
  chooseAbsent,
  findIrreplaceable,
  findPresent,
  without,
  type Present,
} from "../../src/drill/absence.js";
import { createRandom } from "../../src/drill/random.js";
import type { SessionSource } from "../../src/session/open-session.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { deployPlatform } from "../helpers/deploy-platform.js";
import {
  initialize,
  platformProxies,
  sessionSource,
} from "../helpers/recovery-session.js";

const PRESENT: Present = {
  signers: [`0x${"1".repeat(40)}`, `0x${"2".repeat(40)}`],
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
      rpcs: ["one.example"],
      targets: ["s3"],
    };
    expect(chooseAbsent(alone, createRandom(1))).to.equal(null);
    expect(findIrreplaceable(alone)).to.have.length(3);
    const nothing = { signers: [], rpcs: [], targets: [] };
    expect(chooseAbsent(nothing, createRandom(1))).to.equal(null);
    expect(findIrreplaceable(nothing)).to.deep.equal([]);
    const targets = { ...alone, targets: ["s3", "gcs"] };
    for (const seed of [1, 2, 3]) {
      expect(chooseAbsent(targets, createRandom(seed))?.kind).to.equal(
        "offsite",
      );
    }
  });

  it("is of those who are there, by the chain and the configuration", async () => {
    const connection = await hre.network.create();
    const platform = await deployPlatform(connection);
    const source = withTargets(connection, folder.path, ["one", "two"]);
    expect(await findPresent(source)).to.deep.equal({
      signers: [],
      rpcs: [],
      targets: ["one", "two"],
    });
    await initialize(source, platformProxies(platform));
    expect((await findPresent(source)).signers).to.deep.equal([platform.owner]);
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
