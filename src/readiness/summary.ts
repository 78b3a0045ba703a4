import type { DrConfig } from "../config/types.js";
import type { ContractStatus } from "../recovery/status.js";
import { findLocalBackups, readLocalSchema } from "./backups.js";
import { toCurrentContract } from "./contracts.js";
import { findEvidence } from "./evidence.js";
import type { ReadinessItem } from "./item.js";
import { judgeProcedures, judgeRestores } from "./readiness.js";
import { readAllReports } from "./reports.js";

/** How old a proof may be where nobody says. */
export const DEFAULT_MAX_AGE_MS = 90 * 86_400_000;

/** So many reports of each kind tell enough at a glance. */
const MOST_REPORTS = 20;

export interface SummaryPlace {
  readonly config: DrConfig;
  readonly network: string;
  /** `deployments/<network>` */
  readonly folder: string;
  readonly now: Date;
}

/** Whether the procedures are proven. */
export interface ProofSummary {
  /** The newest proof of all. */
  readonly last: { readonly at: Date; readonly by: string } | undefined;
  readonly items: readonly ReadinessItem[];
}

/**
 * As much of the readiness as this machine's own files tell: of the newest
 * reports, and without a word of backups.
 *
 * @param status - The chain's word, which isn't asked again.
 */
export async function summarizeProofs(
  { config, network, folder, now }: SummaryPlace,
  status: Promise<{
    readonly chainId: number;
    readonly contracts: readonly ContractStatus[];
  }>,
): Promise<ProofSummary> {
  const { project, paths } = config;
  const { logs, backups } = paths;
  const hasDatabase = config.database !== undefined;
  const [reports, local, { chainId, contracts }] = await Promise.all([
    readAllReports({ logs, backups, network: folder }, MOST_REPORTS),
    findLocalBackups(config, {
      kinds: hasDatabase ? ["database"] : [],
      chainId: undefined,
      now,
    }),
    status,
  ]);
  const { evidence } = await findEvidence(
    reports,
    { project, network, chainId, now },
    async (name) => await readLocalSchema(config, name),
  );
  const freshness = { now, maxAgeMs: DEFAULT_MAX_AGE_MS };
  const items = [
    ...judgeProcedures(
      contracts.map(toCurrentContract),
      evidence,
      config,
      freshness,
    ),
    ...judgeRestores(config, evidence, {
      ...freshness,
      hasContracts: true,
      schema: local.facts[0]?.schema ?? null,
    }),
  ];
  const last = items
    .flatMap(({ proof }) => (proof === null ? [] : [proof]))
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .at(-1);
  return { last: last && { at: last.at, by: last.by }, items };
}
