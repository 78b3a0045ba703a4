import { expect } from "chai";

import type { MigrationFile } from "../../src/database/migrations/migration-file.js";
import type {
  PreparedRollback,
  RollbackResult,
} from "../../src/database/migrations/rollback.js";
import {
  formatPreparedRollback,
  formatRollbackResult,
} from "../../src/display/db-rollback.js";
import { plain } from "../../src/display/text.js";

const FILE: MigrationFile = {
  path: "migrations/002_bio.down.sql",
  hash: "00",
  statements: [
    { text: "DROP TABLE a", normal: "DROP TABLE A", line: 1 },
    { text: "VACUUM", normal: "VACUUM", line: 2 },
  ],
  isDownPart: false,
  names: ["002_bio"],
  neighbours: ["001_users", "002_bio"],
  journal: new Map(),
};

const PREPARED: PreparedRollback = {
  file: FILE,
  database: "takumi at localhost:5432",
  histories: [],
  undone: [],
  trial: { status: "untried", reason: "VACUUM (line 2)" },
};

const RESULT: RollbackResult = {
  backup: { name: "takumi_db.dump", at: "2024-01-15T14:00:00.000Z" },
  changes: [],
  histories: [],
  stillRecorded: [],
};

const text = (prepared: PreparedRollback) =>
  formatPreparedRollback(prepared, plain);

describe("what is told of a database rollback", () => {
  it("says that no table tells what is applied, and what lies beside the file", () => {
    expect(text(PREPARED)).to.include(
      "No table of a migration tool that is known says what is applied. Beside it are 001_users, 002_bio.",
    );
  });

  it("says that it can't be shown beforehand, and why", () => {
    expect(text(PREPARED)).to.match(
      /can't be shown before it is done\.\n.*\(VACUUM \(line 2\)\)/,
    );
  });

  it("says so when nothing changes", () => {
    const trial = {
      status: "tried",
      changes: [],
      losses: [],
      seconds: 0.25,
    } as const;
    const told = text({ ...PREPARED, trial });
    expect(told).to.include("The schema stays as it is.\nNo data is lost.");
    expect(told).to.include("0.3 s, in which it held its locks.");
  });

  it("marks what is undone, warns of what came after, and tells what the tool would undo", () => {
    const migrations = Array.from({ length: 12 }, (_, index) => ({
      name: `${String(index).padStart(3, "0")}_x`,
      at: "2024-01-15T14:00:00",
      state: index === 11 ? ("failed" as const) : ("applied" as const),
    }));
    const history = {
      tool: "Knex",
      table: "public.knex_migrations",
      migrations,
      undoneByTool: ["010_x", "009_x"],
    } as const;
    const told = text({
      ...PREPARED,
      histories: [history],
      undone: [
        {
          history,
          migration: migrations[9]!,
          name: "009_x",
          later: ["010_x", "011_x"],
        },
      ],
    });
    expect(told.split("\n").slice(2, 18)).to.deep.equal([
      "Knex (public.knex_migrations): 12 migrations",
      "  … 2 older",
      ...migrations
        .slice(2)
        .map(
          ({ name, at, state }) =>
            `${name === "009_x" ? "←" : " "} ${name}  ${at}${state === "failed" ? "  failed" : ""}`,
        ),
      "This file undoes 009_x.",
      "Applied after it, and perhaps built on it: 010_x, 011_x.",
      "Knex itself would undo 010_x, 009_x.",
      "",
    ]);
  });

  it("tells afterwards what the tool's table says, and how to mend it", () => {
    const told = formatRollbackResult(
      {
        ...RESULT,
        stillRecorded: [
          {
            table: "public.pgmigrations",
            name: "002_bio",
            forget: "DELETE FROM public.pgmigrations WHERE name = '002_bio'",
          },
        ],
      },
      true,
      plain,
    );
    expect(told).to.include(
      "public.pgmigrations still says that 002_bio is applied: the file didn't take it off.\n  DELETE FROM public.pgmigrations WHERE name = '002_bio';",
    );
    expect(told).to.include("npx hardhat dr:db:restore takumi_db.dump");
    expect(told).not.to.include("The schema");
    expect(formatRollbackResult(RESULT, false, plain)).to.include(
      "The schema stays as it is.",
    );
  });
});
