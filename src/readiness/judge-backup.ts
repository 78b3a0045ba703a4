import { schemaIn, type BackupFacts, type ProvenBackup } from "./backups.js";
import type { CurrentContract } from "./contracts.js";
import type { Evidence } from "./evidence.js";
import { worstOf, type ReadinessItem } from "./item.js";
import {
  judgeAge,
  judgeCode,
  judgeSchema,
  type Freshness,
  type Judged,
} from "./judge-procedure.js";

/**
 * The backups of a kind in one place: whether one of them was restored since
 * all is as it is.
 *
 * @param tests - Restore tests of that kind from that target; the oldest first.
 * @param contracts - Undefined when the chain can't be asked.
 */
export function judgeBackup(
  facts: BackupFacts,
  tests: readonly Evidence[],
  contracts: readonly CurrentContract[] | undefined,
  freshness: Freshness,
): ReadinessItem {
  const { kind, target, newest, proven } = facts;
  return {
    subject: { type: "backup", kind, target },
    ...judge(facts, tests.at(-1), contracts, freshness),
    proof: proven === undefined ? null : toProof(proven, tests),
    newest: newest?.name ?? null,
    needsBackup: isOfOthers(facts, contracts),
  };
}

/** Whether the newest snapshot was proven, and is of contracts as they aren't any more. */
function isOfOthers(
  { kind, newest, proven }: BackupFacts,
  contracts: readonly CurrentContract[] | undefined,
): boolean {
  return (
    kind === "contracts" &&
    proven !== undefined &&
    proven.name === newest?.name &&
    judgeSnapshot(proven, contracts).status === "stale"
  );
}

function judge(
  { kind, newest, proven, schema, error }: BackupFacts,
  lastTest: Evidence | undefined,
  contracts: readonly CurrentContract[] | undefined,
  freshness: Freshness,
): Judged {
  if (error !== undefined) {
    return { status: "unknown", reasons: [withoutStop(error.message)] };
  }
  if (newest === undefined) {
    return { status: "missing", reasons: ["there is no backup"] };
  }
  const isSince =
    lastTest !== undefined &&
    (proven === undefined || lastTest.at.getTime() > proven.at.getTime());
  if (isSince && !lastTest.isPassed) {
    return { status: "failed", reasons: lastTest.notes };
  }
  if (proven === undefined) {
    const reason = "none of what is there was ever restored";
    return { status: "missing", reasons: [reason] };
  }
  const judged = [
    ...(kind === "database"
      ? [judgeSchema(schemaIn(proven.manifest), schema)]
      : []),
    ...(kind === "contracts" ? [judgeSnapshot(proven, contracts)] : []),
    judgeAge(proven.at, freshness),
  ];
  return {
    status: worstOf(judged.map(({ status }) => status)),
    reasons: [...new Set(judged.flatMap(({ reasons }) => reasons))],
  };
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

/** A snapshot is of contracts as they were. */
function judgeSnapshot(
  { manifest }: ProvenBackup,
  contracts: readonly CurrentContract[] | undefined,
): Judged {
  if (contracts === undefined) {
    const reason = "the chain can't be asked what its contracts are now";
    return { status: "unknown", reasons: [reason] };
  }
  const known = contractsIn(manifest);
  const judged = contracts.map((contract) => {
    const codeHash = known.get(contract.name);
    const { status, reasons } = known.has(contract.name)
      ? judgeCode({ codeHash }, contract)
      : {
          status: "stale" as const,
          reasons: ["it isn't in what was restored"],
        };
    return {
      status,
      reasons: reasons.map((reason) => `${contract.name}: ${reason}`),
    };
  });
  return {
    status: worstOf(judged.map(({ status }) => status)),
    reasons: judged.flatMap(({ reasons }) => reasons),
  };
}

/** Code hashes by contract names, as the manifest of a snapshot has them. */
function contractsIn(
  manifest: ProvenBackup["manifest"],
): ReadonlyMap<string, string | null> {
  const contents = manifest?.contents;
  const contracts =
    typeof contents === "object" && contents !== null && "contracts" in contents
      ? contents.contracts
      : null;
  if (typeof contracts !== "object" || contracts === null) {
    return new Map();
  }
  return new Map(
    Object.entries(contracts).map(([name, one]: [string, unknown]) => [
      name,
      typeof one === "object" &&
      one !== null &&
      "codeHash" in one &&
      typeof one.codeHash === "string"
        ? one.codeHash
        : null,
    ]),
  );
}

/** A restore test's report knows more than the proof's name does. */
function toProof(
  { name, at, by, seconds, file, manifest }: ProvenBackup,
  tests: readonly Evidence[],
): ReadinessItem["proof"] {
  const test = tests.findLast(
    (one) => one.isPassed && one.artifact === name && one.at <= at,
  );
  return {
    at,
    by: test?.by ?? by,
    commit: test?.commit ?? null,
    artifact: name,
    codeHashes: Object.fromEntries(contractsIn(manifest)),
    seconds: test?.seconds ?? seconds,
    objectiveSeconds: null,
    file,
  };
}
