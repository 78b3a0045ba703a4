import type { BackupsCopy } from "./copies/backups.js";
import type { ChainCopy, ChainRecovery } from "./copies/chain.js";
import type { Copy, Part } from "./copies/copy.js";
import type { DatabaseCopy } from "./copies/database-copy.js";
import type { FolderCopy } from "./copies/folder.js";
import type { OffsiteCopy } from "./copies/offsite.js";
import type { ServiceCopy } from "./copies/service.js";

/** All that a scenario may break and has to bring back. What isn't drilled is absent. */
export interface Copies {
  readonly database?: DatabaseCopy;
  readonly contracts?: ChainCopy;
  readonly deployments?: FolderCopy;
  readonly files?: FolderCopy;
  readonly backups?: BackupsCopy;
  readonly offsite?: OffsiteCopy;
  readonly service?: ServiceCopy;
  /**
   * Runs one of the tasks on the copies instead of on what is real.
   *
   * @throws {DrError} DRILL_RECOVERY_FAILED unless it ends with 0.
   */
  run(task: DrilledTask): Promise<void>;
}

/** Tasks that restore from backups, as they run in an incident. What they restore is the newest. */
export type DrilledTask =
  | { readonly task: "dr:db:restore" }
  | { readonly task: "dr:snapshot:restore" }
  | { readonly task: "dr:backup:restore" }
  | {
      readonly task: "dr:offsite:restore";
      readonly what: "database" | "contracts" | "files";
      /** By its name. */
      readonly target: string;
    };

export type { Copy, ChainRecovery, Part };

/** Those that are there, in a fixed order. */
export function copiesOf(copies: Copies): readonly Copy[] {
  const { database, contracts, deployments, files } = copies;
  const { backups, offsite, service } = copies;
  return [
    database,
    contracts,
    deployments,
    files,
    backups,
    offsite,
    service,
  ].filter((one) => one !== undefined);
}
