import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { namesIn } from "./names-in.js";

/** Reports of one kind that lie in a folder. */
export interface FoundReports<T> {
  /** The oldest name first. */
  readonly reports: readonly FoundReport<T>[];
  /** Files that are called like a report and aren't one that can be read. */
  readonly damaged: readonly string[];
}

export interface FoundReport<T> {
  readonly file: string;
  readonly report: T;
}

export interface ReportQuery<T> {
  /** Names that reports have. */
  readonly name: RegExp;
  /** Of what JSON gives; undefined or an error where it is no report. */
  readonly parse: (value: unknown) => T | undefined;
  /** Only the newest so many, by their names. Default: all. */
  readonly most?: number;
}

/** Reads reports; one that was cut off or written by somebody else is named and nothing more. */
export async function readReports<T>(
  folder: string,
  { name, parse, most = Infinity }: ReportQuery<T>,
): Promise<FoundReports<T>> {
  const names = (await namesIn(folder)).filter((one) => name.test(one));
  const read = await Promise.all(
    names
      .toSorted()
      .slice(-most)
      .map(async (one) => {
        const file = join(folder, one);
        return { file, report: await readReport(file, parse) };
      }),
  );
  return {
    reports: read.flatMap(({ file, report }) =>
      report === undefined ? [] : [{ file, report }],
    ),
    damaged: read.flatMap(({ file, report }) =>
      report === undefined ? [file] : [],
    ),
  };
}

async function readReport<T>(
  file: string,
  parse: (value: unknown) => T | undefined,
): Promise<T | undefined> {
  try {
    return parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}
