import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import {
  loadScenarios,
  parseScenario,
  selectScenarios,
} from "../../src/drill/load-scenarios.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";

const SHIPPED = [
  "database-corruption",
  "contract-upgrade-failure",
  "complete-loss",
];

const JSON_SCENARIO = {
  name: "profiles-gone",
  title: "Profiles are gone",
  objective: "database",
  needs: ["database"],
  inject: [{ kind: "drop-table", table: "public.profiles" }],
  recover: [{ task: "dr:db:restore" }],
};

describe("loadScenarios", () => {
  const folder = useTemporaryFolder();
  const drills = () => join(folder.path, "drills");

  async function write(name: string, text: string): Promise<void> {
    await mkdir(drills(), { recursive: true });
    await writeFile(join(drills(), name), text);
  }

  it("has the shipped ones where there is no folder", async () => {
    const all = await loadScenarios(drills());
    expect(all.map(({ name }) => name)).to.deep.equal(SHIPPED);
    // They are what files may hold, too.
    for (const scenario of all) {
      const read: unknown = JSON.parse(JSON.stringify(scenario));
      expect(parseScenario(read, "shipped")).to.deep.equal(scenario);
    }
  });

  it("adds those of a project, in JSON and in TypeScript", async () => {
    const plugin = join(import.meta.dirname, "../../src/index.ts");
    await write("profiles.json", JSON.stringify(JSON_SCENARIO));
    await write(
      "own.ts",
      `import { defineScenario, measureEqual } from ${JSON.stringify(plugin)};
       export default defineScenario({
         name: "own", title: "Own", objective: "database", needs: ["service"],
         inject: [{ title: "x", breaks: "service", inject: async ({ service }) => { await service?.kill(); } }],
         recover: [{ task: "start-service" }],
         checks: [{ id: "one", title: "One", measure: async () => measureEqual(1, 1) }],
       });`,
    );
    await write("notes.md", "no scenario");
    const all = await loadScenarios(drills());
    expect(all.map(({ name }) => name)).to.deep.equal([
      ...SHIPPED,
      "own",
      "profiles-gone",
    ]);
    expect(all.at(-1)).to.deep.equal(JSON_SCENARIO);
  });

  it("lets a project's take the place of a shipped one", async () => {
    const own = { ...JSON_SCENARIO, name: "database-corruption" };
    await write("corruption.json", JSON.stringify(own));
    const all = await loadScenarios(drills());
    expect(all).to.have.length(3);
    expect(all.at(-1)?.title).to.equal("Profiles are gone");
  });

  it("refuses what is no scenario, and says where", async () => {
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ ...JSON_SCENARIO, name: "Not/a name" }, /name: /],
      [{ ...JSON_SCENARIO, inject: [] }, /inject: /],
      [{ ...JSON_SCENARIO, recover: [] }, /recover: /],
      [{ ...JSON_SCENARIO, inject: [{ kind: "rm -rf" }] }, /inject\.0/],
      [{ ...JSON_SCENARIO, needs: ["moon"] }, /needs\.0/],
      [{ ...JSON_SCENARIO, objective: "fast" }, /objective/],
      [{ ...JSON_SCENARIO, extra: 1 }, /the whole/],
      [{ ...JSON_SCENARIO, recover: [{ task: "dr:pause" }] }, /recover\.0/],
    ];
    for (const [value, reason] of cases) {
      const error = await refusalOf(() =>
        parseScenario(value, "drills/x.json"),
      );
      expect(error.code).to.equal("DRILL_SCENARIO_INVALID");
      expect(error.exitCode).to.equal(3);
      expect(error.values.reason).to.match(reason);
    }
  });

  it("refuses files that can't be read, hold nothing, or the same name twice", async () => {
    await write("broken.json", "{");
    const code = async () =>
      (await refusalOf(() => loadScenarios(drills()))).code;
    expect(await code()).to.equal("DRILL_SCENARIO_INVALID");
    await write("broken.json", JSON.stringify(JSON_SCENARIO));
    await write("empty.ts", "export const nothing = 1;");
    expect(await code()).to.equal("DRILL_SCENARIO_INVALID");
    await rm(join(drills(), "empty.ts"));
    await write("throws.ts", 'throw new Error("at once");');
    expect(await code()).to.equal("DRILL_SCENARIO_INVALID");
    await rm(join(drills(), "throws.ts"));
    await write("twice.ts", `export default ${JSON.stringify(JSON_SCENARIO)};`);
    const { values } = await refusalOf(() => loadScenarios(drills()));
    expect(values.reason).to.match(/another file/);
  });

  it("selects by name", async () => {
    const all = await loadScenarios(drills());
    expect(selectScenarios(all, [])).to.equal(all);
    const [chosen] = selectScenarios(all, ["complete-loss"]);
    expect(chosen?.name).to.equal("complete-loss");
    const error = await refusalOf(() => selectScenarios(all, ["meteorite"]));
    expect(error.code).to.equal("DRILL_SCENARIO_UNKNOWN");
    expect(error.fix).to.include("complete-loss");
  });
});
