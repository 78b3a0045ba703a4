import { expect } from "chai";

import type { Fingerprint } from "../../src/database/fingerprint.js";
import type { Session } from "../../src/database/session.js";
import { chooseTable } from "../../src/drill/copies/database.js";
import { createRandom } from "../../src/drill/random.js";
import { codeOf } from "../offsite/describe-storage.js";

describe("the table that a drill breaks", () => {
  const choose = async (
    rows: Readonly<Record<string, string>>,
    present: readonly string[],
  ) =>
    await chooseTable(
      {
        query: async () =>
          await Promise.resolve(present.map((name) => ({ name }))),
      } as unknown as Session,
      {
        baseline: {
          tables: Object.entries(rows).map(([name, count]) => ({
            name,
            rows: count,
          })),
        } as unknown as Fingerprint,
        criticalTables: ["profiles"],
        random: createRandom(1),
      },
    );

  it("has rows, is there, and matters if there is one that does", async () => {
    const all = ["public.logs", "public.profiles"];
    const rows = { "public.logs": "9", "public.profiles": "1" };
    expect(await choose(rows, all)).to.equal("public.profiles");
    expect(await choose(rows, ["public.logs"])).to.equal("public.logs");
  });

  it("isn't made up where there is none", async () => {
    for (const [rows, present] of [
      [{ "public.profiles": "0" }, ["public.profiles"]],
      [{ "public.profiles": "5" }, []],
    ] as const) {
      expect(await codeOf(choose(rows, present))).to.equal(
        "DRILL_NOTHING_TO_BREAK",
      );
    }
  });
});
