/** A process that brings the rows of `nodes` back, with all that hung on them. */
import { parseDatabaseUrl } from "../../../src/database/access.js";
import { recoverRows } from "../../../src/database/recover/recover.js";

const [old = "", live = ""] = process.argv.slice(2);

await recoverRows(
  parseDatabaseUrl(old),
  parseDatabaseUrl(live),
  {
    table: "nodes",
    isChangedIncluded: false,
    areChildrenIncluded: true,
    erased: [],
    triggers: "fire",
  },
  {
    onPlan: async () => {
      await Promise.resolve();
    },
    approve: async () => await Promise.resolve(true),
  },
);
