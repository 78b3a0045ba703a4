import { expect } from "chai";
import { ESLint } from "eslint";
import { readdir } from "node:fs/promises";

/** The rules that `code` breaks when it stands in `filePath`. */
async function brokenRules(filePath: string, code: string): Promise<string[]> {
  const eslint = new ESLint({
    ruleFilter: ({ ruleId }) =>
      /no-restricted|no-console|no-cycle/.test(ruleId),
    overrideConfig: {
      languageOptions: { parserOptions: { projectService: false } },
    },
  });
  const [result] = await eslint.lintText(code, { filePath });
  return result!.messages.map(({ ruleId, message }) => ruleId ?? message);
}

const TOO_HIGH = "import-x/no-restricted-paths";
const IMPORT = "@typescript-eslint/no-restricted-imports";

describe("the layers as a lint rule", () => {
  const cases: [string, string, string, string[]][] = [
    [
      "core doesn't know the chain",
      "src/core/hex.ts",
      'import type { Rpc } from "../chain/rpc.js";',
      [TOO_HIGH],
    ],
    [
      "run knows core only",
      "src/run/plan.ts",
      'import type { Rpc } from "../chain/rpc.js";',
      [TOO_HIGH],
    ],
    [
      "neighbours don't know each other",
      "src/deployments/any.ts",
      'import { inspectProxies } from "../proxy/inspect.js";',
      [TOO_HIGH],
    ],
    [
      "a floor may look down",
      "src/route/route.ts",
      'import type { Step } from "../run/step.js";\nimport type { Authority } from "../authority/authority.js";',
      [],
    ],
    [
      "a recovery knows steps, not snapshots",
      "src/recovery/any.ts",
      'import { takeSnapshot } from "../snapshot/take-snapshot.js";\nimport type { Step } from "../run/step.js";',
      [TOO_HIGH],
    ],
    [
      "a post-mortem needs no session",
      "src/incident/any.ts",
      'import type { Session } from "../session/open-session.js";\nimport type { Journal } from "../run/journal.js";',
      [TOO_HIGH],
    ],
    [
      "nothing of src/ looks out of it",
      "src/hooks/any.ts",
      'import task from "../../scripts/test-task.js";',
      [TOO_HIGH],
    ],
    [
      "the domain doesn't know Hardhat",
      "src/recovery/any.ts",
      'import { task } from "hardhat/config";',
      [IMPORT],
    ],
    [
      "but may use its types",
      "src/recovery/any.ts",
      'import type { Task } from "hardhat/types/tasks";',
      [],
    ],
    [
      "a hook knows Hardhat",
      "src/hooks/any.ts",
      'import { task } from "hardhat/config";',
      [],
    ],
    [
      "display imports no code",
      "src/display/any.ts",
      'import { inspectProxies } from "../proxy/inspect.js";',
      [IMPORT],
    ],
    [
      "but types",
      "src/display/any.ts",
      'import type { Step } from "../run/step.js";',
      [],
    ],
    [
      "ox comes by subpath",
      "src/core/hex.ts",
      'import { Hash } from "ox";',
      [IMPORT],
    ],
    [
      "a task's declaration is light",
      "tasks/any.ts",
      'import { z } from "zod";',
      [IMPORT],
    ],
    [
      "and leaves its action for later",
      "tasks/any.ts",
      'import action from "./actions/status.js";',
      [IMPORT],
    ],
    [
      "a task's declaration names its action",
      "tasks/any.ts",
      'import { task } from "hardhat/config";\nexport default task("a").setAction(() => import("./actions/a.js"));',
      [],
    ],
    [
      "errors have a code",
      "src/core/hex.ts",
      'throw new Error("bad hex");',
      ["no-restricted-syntax"],
    ],
    [
      "the domain is quiet",
      "src/core/hex.ts",
      'console.log("0x");',
      ["no-console"],
    ],
    [
      "only the task ends the process",
      "src/core/hex.ts",
      "process.exit(1);",
      ["no-restricted-properties"],
    ],
  ];
  for (const [title, filePath, code, rules] of cases) {
    it(title, async () => {
      expect(await brokenRules(filePath, code)).to.deep.equal(rules);
    });
  }

  it("has a place for every folder of src", async () => {
    const config = (await new ESLint().calculateConfigForFile(
      "src/index.ts",
    )) as { rules: Record<string, [unknown, { zones: { target: string }[] }]> };
    const zones = config.rules[TOO_HIGH]![1].zones.map(({ target }) =>
      target.replace("./src/", ""),
    );
    const folders = (await readdir("src", { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect(zones).to.include.members(
      folders.filter((name) => name !== "display" && name !== "hooks"),
    );
  });
});
