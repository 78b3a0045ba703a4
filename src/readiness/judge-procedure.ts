import type { Json } from "../core/canonical-json.js";
import { describeAuthorityChange } from "./authority-change.js";
import type { CurrentContract } from "./contracts.js";
import { factsOf, type Evidence, type Procedure } from "./evidence.js";
import {
  worstOf,
  type ReadinessItem,
  type ReadinessProof,
  type ReadinessStatus,
} from "./item.js";
import type { ContractFacts } from "./reports.js";

/** When a proof is too old. */
export interface Freshness {
  readonly now: Date;
  readonly maxAgeMs: number;
}

export interface Judged {
  readonly status: ReadinessStatus;
  readonly reasons: readonly string[];
}

/** What a procedure is about, and how it is judged. */
export interface ProcedureQuestion {
  readonly procedure: Procedure;
  /** Of this procedure or not; the oldest first. */
  readonly evidence: readonly Evidence[];
  /** Seconds; null where there is none for it. */
  readonly objectiveSeconds: number | null;
}

const DAY_MS = 86_400_000;

/** Too old, or not. */
export function judgeAge(at: Date, { now, maxAgeMs }: Freshness): Judged {
  const ageMs = now.getTime() - at.getTime();
  return ageMs > maxAgeMs
    ? {
        status: "stale",
        reasons: [
          `the proof is ${String(Math.floor(ageMs / DAY_MS))} days old`,
        ],
      }
    : { status: "proven", reasons: [] };
}

/** A procedure that is done to contracts: it must have been tried with each of them, as it is now. */
export function judgeContractProcedure(
  question: ProcedureQuestion,
  contracts: readonly CurrentContract[],
  freshness: Freshness,
): ReadinessItem {
  const { procedure } = question;
  const own = question.evidence.filter((one) => one.procedure === procedure);
  const judged = contracts.map((contract) => {
    const about = own.filter(
      (one) => factsOf(one, contract.proxy) !== undefined,
    );
    return {
      name: contract.name,
      proof: about.findLast(({ isPassed }) => isPassed),
      ...judgeContract(about.at(-1), contract, procedure, freshness),
    };
  });
  // The weakest: what everything is as good as.
  const [oldest] = judged
    .flatMap(({ proof }) => (proof === undefined ? [] : [proof]))
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const told = judged.flatMap(({ name, reasons }) =>
    reasons.map((reason) => ({ name, reason })),
  );
  return {
    subject: { type: "procedure", procedure },
    status: worstOf(judged.map(({ status }) => status)),
    reasons: [...Map.groupBy(told, ({ reason }) => reason)].map(
      ([reason, all]) => `${namesOf(all.map(({ name }) => name))}: ${reason}`,
    ),
    proof: toProof(oldest, question),
    newest: null,
    needsBackup: false,
  };
}

const SHOWN_NAMES = 5;

function namesOf(names: readonly string[]): string {
  const left = names.length - SHOWN_NAMES;
  const shown = names.slice(0, SHOWN_NAMES).join(", ");
  return left > 0 ? `${shown} and ${String(left)} more` : shown;
}

function judgeContract(
  last: Evidence | undefined,
  contract: CurrentContract,
  procedure: Procedure,
  freshness: Freshness,
): Judged {
  const facts = last && factsOf(last, contract.proxy);
  if (last === undefined || facts === undefined) {
    return { status: "missing", reasons: ["it was never rehearsed"] };
  }
  if (!last.isPassed) {
    return { status: "failed", reasons: last.notes };
  }
  const judged = [
    judgeCode(facts, contract),
    ...authoritiesOf(procedure, facts, contract).map(judgeAuthority),
    judgeAge(last.at, freshness),
  ];
  return {
    status: worstOf(judged.map(({ status }) => status)),
    // One Safe may hold more than one authority.
    reasons: [
      ...new Set([...judged.flatMap(({ reasons }) => reasons), ...last.notes]),
    ],
  };
}

/** Holds a contract's code against what was proven of it. */
export function judgeCode(
  { codeHash }: Pick<ContractFacts, "codeHash">,
  current: CurrentContract,
): Judged {
  if (codeHash === undefined || codeHash === null) {
    return {
      status: "unknown",
      reasons: ["the report doesn't say which implementation it was about"],
    };
  }
  return codeHash === current.codeHash
    ? { status: "proven", reasons: [] }
    : { status: "stale", reasons: ["it has another implementation since"] };
}

interface AuthorityPair {
  readonly before: Json | undefined;
  readonly after: Json;
}

/** Whoever pauses needn't be the one who upgrades; a rollback needs both. */
function authoritiesOf(
  procedure: Procedure,
  facts: ContractFacts,
  current: CurrentContract,
): AuthorityPair[] {
  const pause = {
    before: facts.pauseAuthority as Json | undefined,
    after: current.pauseAuthority,
  };
  const upgrade = {
    before: facts.upgradeAuthority as Json | undefined,
    after: current.upgradeAuthority,
  };
  return procedure === "pause" ? [pause] : [pause, upgrade];
}

function judgeAuthority({ before, after }: AuthorityPair): Judged {
  if (before === undefined) {
    return {
      status: "unknown",
      reasons: ["the report doesn't say who had the authority"],
    };
  }
  const change = describeAuthorityChange(before, after);
  return change === undefined
    ? { status: "proven", reasons: [] }
    : { status: "stale", reasons: [change] };
}

/**
 * A procedure that brings data back.
 *
 * @param schema - Of the newest backup of the database; undefined when the
 * procedure isn't about a database, null when nobody wrote it down.
 */
export function judgeRestore(
  question: ProcedureQuestion,
  schema: string | null | undefined,
  freshness: Freshness,
): ReadinessItem {
  const { procedure } = question;
  const own = question.evidence.filter((one) => one.procedure === procedure);
  const last = own.at(-1);
  const judged = judgeLastRestore(last, schema, freshness);
  return {
    subject: { type: "procedure", procedure },
    ...judged,
    proof: toProof(
      own.findLast(({ isPassed }) => isPassed),
      question,
    ),
    newest: null,
    needsBackup: schema === null && judged.status === "unknown",
  };
}

function judgeLastRestore(
  last: Evidence | undefined,
  schema: string | null | undefined,
  freshness: Freshness,
): Judged {
  if (last === undefined) {
    return { status: "missing", reasons: ["it was never tried"] };
  }
  if (!last.isPassed) {
    return { status: "failed", reasons: last.notes };
  }
  const judged = [
    ...(schema === undefined ? [] : [judgeSchema(last.schema, schema)]),
    judgeAge(last.at, freshness),
  ];
  return {
    status: worstOf(judged.map(({ status }) => status)),
    reasons: [...judged.flatMap(({ reasons }) => reasons), ...last.notes],
  };
}

/** Holds a database's definitions against those that were restored. */
export function judgeSchema(
  proven: string | null,
  current: string | null,
): Judged {
  if (proven === null) {
    const reason =
      "nobody wrote down which schema was restored; dr:db:backup and then dr:db:verify do";
    return { status: "unknown", reasons: [reason] };
  }
  if (current === null) {
    const reason =
      "no backup says which schema the database has now; dr:db:backup writes it down";
    return { status: "unknown", reasons: [reason] };
  }
  return proven === current
    ? { status: "proven", reasons: [] }
    : { status: "stale", reasons: ["the database has another schema since"] };
}

function toProof(
  evidence: Evidence | undefined,
  { objectiveSeconds }: ProcedureQuestion,
): ReadinessProof | null {
  if (evidence === undefined) {
    return null;
  }
  const { at, by, commit, artifact, contracts, seconds, file } = evidence;
  return {
    at,
    by,
    commit,
    artifact,
    codeHashes: Object.fromEntries(
      contracts.map(({ name, codeHash }) => [name, codeHash ?? null]),
    ),
    seconds,
    objectiveSeconds,
    file,
  };
}
