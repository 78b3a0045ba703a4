import type { ArtifactKind } from "../artifact/name.js";
import type { DrConfig, OffsiteTarget } from "../config/types.js";
import type { Clock } from "../core/clock.js";
import { DrError, isDrError } from "../core/errors.js";
import type { Engine } from "../database/engine.js";
import type { Storage } from "../offsite/storage.js";
import {
  findLocalBackups,
  findOffsiteBackups,
  readLocalSchema,
  type BackupFacts,
} from "./backups.js";
import type { CurrentContract, CurrentContracts } from "./contracts.js";
import {
  findBackupTests,
  findEvidence,
  type Evidence,
  type Procedure,
  type Whose,
} from "./evidence.js";
import { sortByUrgency, type ReadinessItem } from "./item.js";
import { judgeBackup } from "./judge-backup.js";
import {
  judgeContractProcedure,
  judgeRestore,
  type Freshness,
} from "./judge-procedure.js";
import { readAllReports, type Reports } from "./reports.js";

export interface ReadinessPorts {
  readonly config: DrConfig;
  readonly network: string;
  /** `deployments/<network>` */
  readonly folder: string;
  readonly clock: Pick<Clock, "now">;
  /** The chain's word, at one block; absent where there is no deploy.json. */
  readonly readContracts?: () => Promise<CurrentContracts>;
  /** Of the database. */
  readonly engine: Pick<Engine, "listKept">;
  readonly openTarget: (
    target: OffsiteTarget,
  ) => Promise<Pick<Storage, "listPage" | "get" | "address">>;
}

/** What is proven, and what isn't. */
export interface Readiness {
  readonly project: string;
  readonly network: string;
  /** Undefined when the chain wasn't asked, or didn't answer. */
  readonly chainId: number | undefined;
  readonly block: bigint | undefined;
  readonly at: Date;
  readonly maxAgeMs: number;
  /** Everything is proven of what there is now, and lately enough. */
  readonly isReady: boolean;
  /** The most urgent first. */
  readonly items: readonly ReadinessItem[];
  /** Reports and proofs that don't count, and why: sentences. */
  readonly problems: readonly string[];
}

/**
 * Holds all proofs against what there is now: reports of drills, rehearsals
 * and restores, and what was noted beside backups, here and offsite.
 *
 * @throws {DrError} READINESS_NOTHING, and what is wrong with this machine's own folders; a chain or a target
 * that can't be asked makes what hangs on it unknown.
 */
export async function assessReadiness(
  ports: ReadinessPorts,
  maxAgeMs: number,
): Promise<Readiness> {
  const { config, network, clock } = ports;
  const { project, paths } = config;
  const now = clock.now();
  const { logs, backups } = paths;
  const [reports, current] = await Promise.all([
    readAllReports({ logs, backups, network: ports.folder }),
    askChain(ports),
  ]);
  const chainId = current?.world?.chainId;
  const whose: Whose = { project, network, chainId, now };
  const kinds = kindsOf(config, current !== undefined);
  const schemaOf = async (name: string) => await readLocalSchema(config, name);
  const [found, local, ...offsite] = await Promise.all([
    findEvidence(reports, whose, schemaOf),
    findLocalBackups(config, { kinds, chainId, now, engine: ports.engine }),
    ...config.offsite.targets.map(
      async (target) =>
        await findOffsiteBackups(
          target.name,
          async () => await ports.openTarget(target),
          { project, kinds, chainId, now },
        ),
    ),
  ]);
  const freshness = { now, maxAgeMs };
  const allBackups = [local, ...offsite].flatMap(({ facts }) => facts);
  const items = sortByUrgency([
    ...judgeContracts(current, found.evidence, config, freshness),
    ...judgeRestores(config, found.evidence, {
      ...freshness,
      hasContracts: current !== undefined,
      schema: schemaNow(local.facts),
    }),
    ...allBackups.map((facts) =>
      judgeBackup(
        facts,
        testsOf(facts, reports, whose),
        current?.world?.contracts,
        freshness,
      ),
    ),
  ]);
  if (items.length === 0) {
    throw new DrError("READINESS_NOTHING", { folder: ports.folder });
  }
  return {
    project,
    network,
    chainId,
    block: current?.world?.block,
    at: now,
    maxAgeMs,
    isReady: items.every(({ status }) => status === "proven"),
    items,
    problems: [found, local, ...offsite].flatMap(({ problems }) => problems),
  };
}

interface AskedChain {
  readonly world?: CurrentContracts;
  readonly error?: DrError;
}

/** @returns undefined where there are no contracts. */
async function askChain({
  readContracts,
}: ReadinessPorts): Promise<AskedChain | undefined> {
  if (readContracts === undefined) {
    return undefined;
  }
  try {
    return { world: await readContracts() };
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    return { error };
  }
}

/** What is backed up, as far as it is configured. */
function kindsOf(
  { database, files, configuration }: DrConfig,
  hasContracts: boolean,
): ArtifactKind[] {
  return [
    ...(database === undefined ? [] : ["database" as const]),
    ...(hasContracts ? ["contracts" as const] : []),
    ...(files.length === 0 ? [] : ["files" as const]),
    ...(configuration.length === 0 ? [] : ["configuration" as const]),
  ];
}

function schemaNow(local: readonly BackupFacts[]): string | null {
  return local.find(({ kind }) => kind === "database")?.schema ?? null;
}

function testsOf(
  { kind, target }: BackupFacts,
  reports: Reports,
  whose: Whose,
): Evidence[] {
  return target !== undefined && (kind === "database" || kind === "contracts")
    ? findBackupTests(reports, whose, target, kind)
    : [];
}

const CONTRACT_PROCEDURES = ["pause", "rollback", "emergency"] as const;

function judgeContracts(
  current: AskedChain | undefined,
  evidence: readonly Evidence[],
  config: DrConfig,
  freshness: Freshness,
): ReadinessItem[] {
  if (current === undefined) {
    return [];
  }
  if (current.world === undefined) {
    const reason = current.error?.message.replace(/\.$/, "") ?? "";
    return (["pause", "rollback"] as const).map((procedure) => ({
      subject: { type: "procedure", procedure },
      status: "unknown",
      reasons: [reason],
      proof: null,
      newest: null,
      needsBackup: false,
    }));
  }
  return judgeProcedures(current.world.contracts, evidence, config, freshness);
}

/** The procedures that contracts allow: what can't be paused needs no pause that is proven. */
export function judgeProcedures(
  contracts: readonly CurrentContract[],
  evidence: readonly Evidence[],
  { objectives }: Pick<DrConfig, "objectives">,
  freshness: Freshness,
): ReadinessItem[] {
  return CONTRACT_PROCEDURES.flatMap((procedure) => {
    const concerned = contracts.filter((one) => concerns(procedure, one));
    const question = {
      procedure,
      evidence,
      objectiveSeconds: objectives.rtoMinutes.contracts * 60,
    };
    return concerned.length === 0
      ? []
      : [judgeContractProcedure(question, concerned, freshness)];
  });
}

function concerns(
  procedure: (typeof CONTRACT_PROCEDURES)[number],
  { canPause, canUpgrade, hasPrevious, isSafeAtOnce }: CurrentContract,
): boolean {
  switch (procedure) {
    case "pause":
      return canPause;
    case "rollback":
      return canUpgrade && hasPrevious;
    case "emergency":
      return canPause && canUpgrade && hasPrevious && isSafeAtOnce;
  }
}

export interface RestoreFreshness extends Freshness {
  readonly hasContracts: boolean;
  /** Of the newest backup of the database; null where nobody knows. */
  readonly schema: string | null;
}

/** The procedures that bring data back, as far as there is something to bring back. */
export function judgeRestores(
  { database, files, offsite, objectives }: DrConfig,
  evidence: readonly Evidence[],
  { hasContracts, schema, ...freshness }: RestoreFreshness,
): ReadinessItem[] {
  const seconds = objectives.rtoMinutes.database * 60;
  const judge = (procedure: Procedure, isAboutDatabase: boolean) =>
    judgeRestore(
      { procedure, evidence, objectiveSeconds: seconds },
      isAboutDatabase ? schema : undefined,
      freshness,
    );
  const hasDatabase = database !== undefined;
  const hasAnything = hasDatabase || hasContracts || files.length > 0;
  return [
    ...(hasDatabase ? [judge("database-restore", true)] : []),
    ...(hasContracts ? [judge("deployments-restore", false)] : []),
    ...(files.length > 0 ? [judge("files-restore", false)] : []),
    ...(hasAnything ? [judge("complete-loss", hasDatabase)] : []),
    ...(hasDatabase || hasContracts
      ? offsite.targets.map(({ name }) => judge(`offsite-test:${name}`, false))
      : []),
  ];
}
