import { join } from "node:path";

import { ifThere } from "../core/if-there.js";
import { stat } from "node:fs/promises";
import type { SessionSource } from "../session/open-session.js";
import type { Part } from "./copies/copy.js";
import type { Scenario } from "./scenario.js";

/** What of a project can be drilled. */
export interface Configured {
  readonly database: boolean;
  readonly contracts: boolean;
  readonly files: boolean;
  /** A sentence, where no database is drilled. */
  readonly noDatabase: string;
  /** A sentence, where there are no contracts. */
  readonly noContracts: string;
}

/** Those whose backups are artifacts, which can be restored beside what is live. */
const DRILLED_ENGINES: readonly string[] = ["postgres", "pglite"];

export async function findConfigured({
  config,
  networkName,
}: SessionSource): Promise<Configured> {
  const file = join(config.paths.deployments, networkName, "deploy.json");
  return {
    database: DRILLED_ENGINES.includes(config.database?.engine ?? ""),
    noDatabase:
      config.database === undefined
        ? "No database is configured."
        : `A database of the engine ${config.database.engine} isn't drilled; dr:db:verify proves its backups.`,
    contracts: (await ifThere(stat(file))) !== undefined,
    files: config.files.length > 0,
    noContracts: `There is no ${file}.`,
  };
}

/** What of a scenario can be drilled, or why it can't be: a sentence. */
export function chooseParts(
  { needs, optional = [] }: Pick<Scenario, "needs" | "optional">,
  configured: Configured,
): { readonly parts: readonly Part[] } | { readonly reason: string } {
  const missing = needs
    .map((part) => whyNot(part, configured))
    .find((reason) => reason !== undefined);
  if (missing !== undefined) {
    return { reason: missing };
  }
  const present = optional.filter(
    (part) => whyNot(part, configured) === undefined,
  );
  return optional.length > 0 && present.length === 0
    ? { reason: "Nothing that could be lost is configured." }
    : { parts: [...needs, ...present] };
}

/** Why a part can't be drilled, a sentence; undefined when it can. */
function whyNot(
  part: Part,
  { database, contracts, files, noDatabase, noContracts }: Configured,
): string | undefined {
  switch (part) {
    case "database":
      return database ? undefined : noDatabase;
    case "contracts":
    case "deployments":
      return contracts ? undefined : noContracts;
    case "files":
      return files ? undefined : "No files are configured.";
    case "backups":
    case "offsite":
    case "service":
      return undefined;
  }
}
