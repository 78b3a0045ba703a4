import type { FoundBackup } from "./engine.js";

/** What a restore is judged by. */
export interface RestoreMeasures {
  /** From the yes to the end, verification included: the time to recover. */
  readonly seconds: number;
  /** Of what came out; null where nobody knows. */
  readonly bytes: number | null;
  /** What was written in so many seconds before the restore isn't in it; null where nobody knows. */
  readonly recoveryPointAgeSeconds: number | null;
}

export function measureRestore(
  { sizeBytes, createdAt }: Pick<FoundBackup, "sizeBytes" | "createdAt">,
  startedAt: Date,
  endedAt: Date,
): RestoreMeasures {
  return {
    seconds: (endedAt.getTime() - startedAt.getTime()) / 1000,
    bytes: sizeBytes ?? null,
    recoveryPointAgeSeconds:
      createdAt === undefined
        ? null
        : (startedAt.getTime() - Date.parse(createdAt)) / 1000,
  };
}
