import { join } from "node:path";

import { expect } from "chai";
import { configVariable } from "hardhat/config";

import { resolveDrConfig } from "../../src/config/resolve.js";
import { validateDrConfig } from "../../src/config/validate.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { openProject } from "../tasks/project.js";

const URL_WITH_KEY = "https://eth.example/v3/5ecre7";

describe("the dr section", () => {
  const folder = useTemporaryFolder();

  it("takes quorum RPCs for all networks, or by name", () => {
    const variable = configVariable("KEY");
    for (const rpcQuorum of [
      [URL_WITH_KEY, variable],
      { mainnet: [variable], sepolia: [URL_WITH_KEY] },
      {},
    ]) {
      expect(validateDrConfig({ rpcQuorum })).to.deep.equal([]);
    }
  });

  it("says what is wrong with them, and shows none", () => {
    for (const rpcQuorum of [
      URL_WITH_KEY,
      [],
      { mainnet: [] },
      { mainnet: URL_WITH_KEY },
      [URL_WITH_KEY, "eth.example/5ecre7"],
      ["wss://eth.example/5ecre7"],
      [URL_WITH_KEY, URL_WITH_KEY],
      [{ url: URL_WITH_KEY }],
      [null],
    ]) {
      const problems = validateDrConfig({ rpcQuorum });
      const shown = JSON.stringify(problems);
      expect(problems, JSON.stringify(rpcQuorum)).to.have.length(1);
      expect(problems[0]!.path).to.deep.equal(["dr", "rpcQuorum"]);
      expect(shown).to.not.include("5ecre7");
    }
  });

  it("has its defaults, and reads variables only when they are needed", async () => {
    const { config } = await openProject(folder.path, {
      dr: { rpcQuorum: { mainnet: [configVariable("DR_UNSET_RPC")] } },
    });
    const { every, byNetwork } = config.dr.rpcQuorum;
    expect(every).to.deep.equal([]);
    expect(Object.keys(byNetwork)).to.deep.equal(["mainnet"]);
    expect(config.dr.paths).to.deep.equal({
      deployments: join(folder.path, "deployments"),
      incidents: join(folder.path, "docs/incidents"),
      exercises: join(folder.path, "docs/recovery-exercises.md"),
      backups: join(folder.path, "backups"),
      logs: join(folder.path, "logs"),
    });
    process.env.DR_UNSET_RPC = URL_WITH_KEY;
    expect(await byNetwork.mainnet![0]!.get()).to.equal(URL_WITH_KEY);
    delete process.env.DR_UNSET_RPC;
  });

  it("resolves a list, and paths of one's own", async () => {
    const { config } = await openProject(folder.path, {
      dr: { rpcQuorum: [URL_WITH_KEY], paths: { incidents: "post-mortems" } },
    });
    const [first] = config.dr.rpcQuorum.every;
    expect(await first!.get()).to.equal(URL_WITH_KEY);
    expect(config.dr.paths.incidents).to.equal(
      join(folder.path, "post-mortems"),
    );
  });

  it("calls a project after its folder, as artifacts may be called", () => {
    const names = {
      "/srv/takumi": "takumi",
      "/srv/my dapp (2)": "my-dapp-2-",
      "/srv/.hidden": "hidden",
      "/": "project",
    };
    for (const [root, name] of Object.entries(names)) {
      const resolved = resolveDrConfig({}, root, () => expect.fail(), {});
      expect(resolved.project).to.equal(name);
    }
  });
});
