import { expect } from "chai";

import { withMaintenance } from "../../src/database/maintenance.js";
import {
  createScratch,
  dropScratch,
  findLayout,
} from "../../src/database/scratch.js";
import { usePostgres } from "../helpers/postgres.js";

describe("a database to be filled", () => {
  const postgres = usePostgres();

  const layouts: Readonly<Record<string, [since: number, options: string]>> = {
    "as the server does": [13, ""],
    "byte by byte": [13, "ENCODING 'SQL_ASCII' LOCALE 'C'"],
    "as ICU does": [15, "LOCALE_PROVIDER icu ICU_LOCALE 'de'"],
    "as ICU does, by rules of one's own": [
      16,
      "LOCALE_PROVIDER icu ICU_LOCALE 'und' ICU_RULES '&V << w <<< W'",
    ],
    "as the server does by itself": [
      17,
      "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
    ],
  };
  for (const [title, [since, options]] of Object.entries(layouts)) {
    it(`stores and sorts texts like the one it is for: ${title}`, async function () {
      const { cluster } = postgres;
      const version = Number(cluster.psql("SHOW server_version_num"));
      if (version < since * 10_000) {
        this.skip();
      }
      cluster.psql(`CREATE DATABASE original TEMPLATE template0 ${options}`);
      try {
        await withMaintenance(cluster.access("original"), async (session) => {
          const layout = await findLayout(session, "original");
          const { name } = await createScratch(session, new Date(), layout);
          expect(await findLayout(session, name)).to.deep.equal(layout);
          const rules = /ICU_RULES '(.*)'/.exec(options)?.[1];
          expect(layout?.locale.icuRules).to.equal(rules);
          await dropScratch(session, name);
        });
      } finally {
        cluster.psql("DROP DATABASE original");
      }
    });
  }
});
