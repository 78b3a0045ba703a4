import { join } from "node:path";

import type { Identity } from "./identity.js";
import { runProgram } from "./program.js";

/** What a data folder says of itself, whether or not its server runs. */
export interface ControlData {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** `in production`, `shut down`, … */
  readonly state: string;
  readonly hasChecksums: boolean;
  /** What a server of it must be given at least. */
  readonly maxPreparedTransactions: string;
  readonly maxLocksPerTransaction: string;
}

/** @throws {DrError} DATABASE_TOOL_FAILED when it is no data folder, or a damaged one. */
export async function readControlData(
  dataFolder: string,
  programs: string,
  identity: Identity,
): Promise<ControlData> {
  const path = join(programs, "pg_controldata");
  const text = await runProgram(path, ["-D", dataFolder], { identity });
  const values = new Map(
    text.split("\n").map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trim()] as const;
    }),
  );
  const valueOf = (name: string) => values.get(name) ?? "";
  return {
    systemIdentifier: valueOf("Database system identifier"),
    timeline: Number(valueOf("Latest checkpoint's TimeLineID")),
    state: valueOf("Database cluster state"),
    hasChecksums: valueOf("Data page checksum version") !== "0",
    maxPreparedTransactions: valueOf("max_prepared_xacts setting"),
    maxLocksPerTransaction: valueOf("max_locks_per_xact setting"),
  };
}
