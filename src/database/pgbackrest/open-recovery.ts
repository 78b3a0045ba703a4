import type { DrConfig } from "../../config/types.js";
import { systemClock } from "../../core/clock.js";
import { DrError } from "../../core/errors.js";
import type { Access } from "../access.js";
import { configuredAccess } from "../configured.js";
import type { BackupAddress, RestorePreparation } from "../engine.js";
import type { Fingerprint } from "../fingerprint.js";
import { readArchiveRange } from "./archive-range.js";
import {
  chooseRecovery,
  presentTimeline,
  type Choice,
} from "./choose-recovery.js";
import type { Recovery } from "./fill.js";
import type { BackupRecord } from "./find-server-backup.js";
import { askLive, markLog } from "./live.js";
import {
  readPgbackrestVersion,
  readStanza,
  runPgbackrest,
  unreadRepositories,
  type RepositoryBackup,
} from "./repository.js";
import {
  requireFolderFit,
  requireSwapFit,
  type Facts,
} from "./requirements.js";
import {
  openSettings,
  trialFolder,
  type PgbackrestSettings,
} from "./settings.js";
import { chooseBackup, describeTarget, momentOf } from "./target.js";

/** What is asked for, found in the repository. */
export interface ServerBackup {
  readonly settings: PgbackrestSettings;
  /** For people. */
  readonly name: string;
  readonly backup: RepositoryBackup;
  readonly record?: BackupRecord;
  /** ISO 8601, UTC: what comes out is as of then; absent where nobody knows. */
  readonly asOf?: string;
  /** What must come out; absent where nobody has written it down. */
  readonly fingerprint?: Fingerprint;
  /** The same for the same request, and for none other. */
  readonly request: string;
  /** Whether the same comes out of it at any time. */
  readonly isRepeatable: boolean;
  /** Sees whether it can take the live server's place, and changes nothing. */
  prepareRestore(): Promise<RestorePreparation>;
  /** Has the server archive what it has not yet; then says how it is restored. */
  reachNow(): Promise<Recovery>;
  /** How it is restored beside. */
  prepareTrial(how: { readonly isThorough: boolean }): Promise<Recovery>;
}

/** @throws {DrError} PGBACKREST_MISSING, and those of `openSettings` and `chooseRecovery`. */
export async function openRecovery(
  address: BackupAddress,
  config: DrConfig,
  project: string,
): Promise<ServerBackup> {
  const settings = await openSettings(config);
  const access = await configuredAccess(config);
  const version = await readPgbackrestVersion(settings);
  const where = { config, project, settings, access };
  const choice = await chooseRecovery(address, where);
  const { backup, target, record } = choice;
  const name = `${backup.label} ${describeTarget(target)}`;
  const asOf = momentAt(choice, systemClock.now());
  const criticalTables = config.database?.criticalTables ?? [];
  const toRecovery = (chosen: Choice, isThorough: boolean): Recovery => ({
    ...chosen,
    expectation: { name, criticalTables, isThorough, ...markedBy(chosen) },
  });
  return {
    settings,
    name,
    backup,
    ...(asOf === undefined ? {} : { asOf: asOf.toISOString() }),
    request: `${settings.stanza} ${describeTarget(target)}${address.what === "latest" ? "" : ` ${backup.label}`}`,
    // The end of what is archived moves on.
    isRepeatable: target.kind !== "end",
    ...(record === undefined ? {} : { record }),
    ...(record?.fingerprint === undefined
      ? {}
      : { fingerprint: record.fingerprint }),
    prepareRestore: async () => {
      const facts = await readFacts(choice, settings, access);
      requireArchivable(choice, facts.live);
      return {
        tool: `pgbackrest ${version}`,
        notices: await requireSwapFit(facts),
      };
    },
    reachNow: async () =>
      toRecovery(await reachNow(choice, settings, access), false),
    prepareTrial: async ({ isThorough }) => {
      const facts = await readFacts(choice, settings, access);
      await requireFolderFit(facts, trialFolder(settings));
      return toRecovery(await reachNow(choice, settings, access), isThorough);
    },
  };
}

/** What `info` tells of one backup alone, and what the live server says. */
async function readFacts(
  { backup: { label } }: Choice,
  settings: PgbackrestSettings,
  access: Access,
): Promise<Facts> {
  const stanza = await readStanza(settings, label);
  const [backup] = stanza.backup as [RepositoryBackup];
  return { settings, stanza, backup, live: await askLive(access) };
}

function markedBy({ record }: Choice): Pick<Recovery["expectation"], "marked"> {
  if (record?.fingerprint === undefined) {
    return {};
  }
  const { fingerprint, mark } = record;
  return { marked: { fingerprint, snapshot: mark.snapshot } };
}

/** Of the restored state; when the log came to a place nobody has written down. */
function momentAt(
  { backup, target, record }: Choice,
  now: Date,
): Date | undefined {
  switch (target.kind) {
    case "time":
    case "before":
      return target.time;
    case "end":
      return now;
    case "lsn":
      return undefined;
    case "point":
    case "backup":
      return record === undefined
        ? momentOf(backup)
        : new Date(record.createdAt);
  }
}

/** Of a backup as it was nothing has to be archived that isn't yet. */
function isArchived({ target: { kind } }: Choice): boolean {
  return kind === "backup" || kind === "point";
}

/**
 * A server that runs archives into every repository: pgBackRest leaves none out.
 *
 * @throws {DrError} PGBACKREST_UNFIT.
 */
function requireArchivable(choice: Choice, live: unknown): void {
  const unread = unreadRepositories(choice.stanza);
  if (unread.length > 0 && live !== undefined && !isArchived(choice)) {
    throw new DrError("PGBACKREST_UNFIT", {
      what: "The server that runs",
      reasons: `what it has written last is archived first, into every repository, and one can't be read (${unread.join("; ")}): take that one out of pgBackRest's configuration for the time being, or stop the server: then what is archived already is restored`,
    });
  }
}

/**
 * Has a server that runs archive its log up to now, with a commit after every
 * moment that was. Where no target is set that very place becomes one: a gap
 * before it can't be taken for the end then.
 */
async function reachNow(
  choice: Choice,
  settings: PgbackrestSettings,
  access: Access,
): Promise<Choice> {
  const { target } = choice;
  const live = isArchived(choice) ? undefined : await askLive(access);
  if (live === undefined) {
    return choice;
  }
  requireArchivable(choice, live);
  const point = `hardhat-dr restore ${systemClock.now().toISOString()}`;
  const lsn = await markLog(access, point);
  await runPgbackrest(settings, "check");
  const stanza = await readStanza(settings);
  const timeline = await presentTimeline(settings, live);
  const range = await readArchiveRange(settings, stanza, timeline);
  const reached =
    target.kind === "end" ? { kind: "point" as const, point, lsn } : target;
  const backup = chooseBackup(stanza, range, reached);
  return { stanza, range, backup, target: reached };
}
