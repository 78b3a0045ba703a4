import { lstat, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { createNew } from "../../core/create-new.js";
import { DrError } from "../../core/errors.js";
import { removeAbandoned, temporaryBeside } from "../../core/temporary-file.js";
import { writing } from "../../core/writing.js";
import type { TablePlan } from "./plan.js";
import type { Sample } from "./stage.js";

const HEAD = "table,why,key,column,old,live\n";
/** They may hold what is private. */
const MODE = 0o600;

/** All values of all rows as CSV, as PostgreSQL writes it: no value is nothing, an empty text is "". */
export interface CsvFile {
  readonly write: (
    table: TablePlan,
    rows: AsyncIterable<readonly Sample[]>,
  ) => Promise<void>;
  /** Puts it in its place. */
  readonly finish: () => Promise<void>;
}

/**
 * Writes a file that is there whole or not at all, and replaces none.
 *
 * @throws {DrError} RECOVER_CSV_EXISTS, NOT_WRITABLE.
 */
export async function withCsv<T>(
  path: string,
  work: (csv: CsvFile) => Promise<T>,
): Promise<T> {
  const exists = () => new DrError("RECOVER_CSV_EXISTS", { path });
  if ((await lstat(path).catch(() => undefined)) !== undefined) {
    throw exists();
  }
  const temporary = temporaryBeside(path);
  const handle = await writing(path, async () => {
    await removeAbandoned(dirname(path));
    return await open(temporary, "wx", MODE);
  });
  const append = async (text: string) => {
    await writing(path, async () => {
      await handle.writeFile(text);
    });
  };
  const write: CsvFile["write"] = async (table, rows) => {
    for await (const batch of rows) {
      await append(batch.map((row) => toLines(table, row)).join(""));
    }
  };
  const finish: CsvFile["finish"] = async () => {
    await writing(path, async () => {
      await handle.sync();
      // Somebody else may have made one meanwhile, which a rename would replace.
      if (!(await createNew(path))) {
        throw exists();
      }
      await rename(temporary, path);
    });
  };
  try {
    await append(HEAD);
    return await work({ write, finish });
  } finally {
    await handle.close();
    await rm(temporary, { force: true });
  }
}

/** A line for each value; of a row that changed, for each that differs. */
function toLines(
  { table, key: names }: TablePlan,
  { why, key, old, live, differing }: Sample,
): string {
  const id = names.length === 1 ? (key[0] ?? "") : JSON.stringify(key);
  return Object.entries(old)
    .filter(([name]) => differing?.includes(name) ?? true)
    .map(([name, value]) =>
      [table, why, id, name, value, live?.[name] ?? null].map(quote).join(","),
    )
    .map((line) => `${line}\n`)
    .join("");
}

function quote(value: string | null): string {
  return value === null ? "" : `"${value.replaceAll('"', '""')}"`;
}
