import type { ArtifactKind } from "../artifact/name.js";
import type { Procedure } from "./evidence.js";

/** The worst first. */
export const READINESS_STATUSES = [
  /** The last time it was tried, it failed. */
  "failed",
  /** Never tried, or nothing is there to try. */
  "missing",
  /** It was proven, and what it was proven of has changed, or too much time has passed. */
  "stale",
  /** Nobody wrote down what would tell, or it can't be asked. */
  "unknown",
  "proven",
] as const;

export type ReadinessStatus = (typeof READINESS_STATUSES)[number];

/** A backup of a kind, here or in an offsite target. */
export interface BackupSubject {
  readonly kind: ArtifactKind;
  /** Undefined: on this machine. */
  readonly target: string | undefined;
}

/** One thing to be proven, and whether it is. */
export interface ReadinessItem {
  readonly subject:
    | { readonly type: "procedure"; readonly procedure: Procedure }
    | ({ readonly type: "backup" } & BackupSubject);
  readonly status: ReadinessStatus;
  /** Why it isn't proven, or what to know of it: texts without a full stop. */
  readonly reasons: readonly string[];
  /** The last time that it was tried and was good, however old. */
  readonly proof: ReadinessProof | null;
  /** What there is now; null of a procedure, and where there is none. */
  readonly newest: string | null;
  /** Whether trying again what there is would prove nothing: it isn't of what there is now. */
  readonly needsBackup: boolean;
}

export interface ReadinessProof {
  readonly at: Date;
  readonly by: string;
  readonly commit: string | null;
  /** The backup that was restored. */
  readonly artifact: string | null;
  /** Of the code that it was proven of, by contract names. */
  readonly codeHashes: Readonly<Record<string, string | null>>;
  /** Until it was done; null where it wasn't measured. */
  readonly seconds: number | null;
  /** Null where there is none for it. */
  readonly objectiveSeconds: number | null;
  /** Where it is written. */
  readonly file: string;
}

/** The worst of some. */
export function worstOf(statuses: readonly ReadinessStatus[]): ReadinessStatus {
  return (
    READINESS_STATUSES.find((status) => statuses.includes(status)) ?? "proven"
  );
}

/** What failed first, what is proven last; else as they came. */
export function sortByUrgency(
  items: readonly ReadinessItem[],
): readonly ReadinessItem[] {
  const rank = ({ status }: ReadinessItem) =>
    READINESS_STATUSES.indexOf(status);
  return items.toSorted((a, b) => rank(a) - rank(b));
}
