import { stat } from "node:fs/promises";
import { basename } from "node:path";

import { listArtifacts } from "../artifact/list-artifacts.js";
import { readSigningKey } from "../artifact/manifest.js";
import type { ArtifactKind } from "../artifact/name.js";
import { placeFolder } from "../backup/folder.js";
import { requireEncryption } from "../backup/place.js";
import { readBlock } from "../chain/block-reader.js";
import { freeBytes } from "../core/free-bytes.js";
import { ifThere } from "../core/if-there.js";
import type { BackupPlan } from "../database/engine.js";
import { openEngine } from "../database/open-engine.js";
import { findTool, formatVersion } from "../database/tools.js";
import { openStorage } from "../offsite/open-storage.js";
import { readStatus } from "../recovery/status.js";
import { openSession, type SessionSource } from "../session/open-session.js";
import type { CheckBook, CheckPlace } from "./check-book.js";
import type { Configured } from "./configured.js";
import { measureNone, measureWithin, type Check } from "./measurement.js";
import type { DrillPorts } from "./ports.js";

export interface ValidationScene {
  readonly ports: DrillPorts;
  readonly source: SessionSource;
  readonly configured: Configured;
  /** Where the drill will have its folder. */
  readonly disk: string;
  readonly book: CheckBook;
}

const PLACE: CheckPlace = { phase: "validation", scenario: null };

/** Whether all is there that a recovery needs: programs, keys, networks, storages, documents. */
export async function validate(scene: ValidationScene): Promise<void> {
  await validateDatabase(scene);
  await validateKeys(scene);
  await validateContracts(scene);
  await validateTargets(scene);
  await validateDocuments(scene, PLACE);
  await validateAges(scene);
}

async function validateDatabase({
  ports,
  source,
  configured,
  disk,
  book,
}: ValidationScene): Promise<void> {
  const tools = {
    id: "database-tools",
    title:
      "The database is reached and may be read, with programs that are new enough",
    critical: true,
  };
  const room = {
    id: "room",
    title: "The disk has room for the database's backups and copies",
    critical: true,
  };
  if (!configured.database) {
    for (const check of [tools, room]) {
      book.skip(PLACE, check, configured.noDatabase);
    }
    return;
  }
  let plan: BackupPlan | undefined;
  await book.run(PLACE, {
    ...tools,
    measure: async () => {
      const { config, root: project } = source;
      const tool = `hardhat-dr ${ports.toolVersion}`;
      const engine = await openEngine(config, project);
      plan = await engine.planBackup(
        { config, project, clock: ports.clock, tool },
        { jobs: 1, hashes: true },
      );
      const { server, tool: program, tables } = plan;
      const restores =
        config.database?.engine === "postgres"
          ? `, ${await describeRestore(server)}`
          : "";
      return {
        isMet: true,
        measured: `server ${server}, ${program}${restores}, ${String(tables)} tables`,
        expected: "programs no older than the server, and every table readable",
      };
    },
  });
  if (plan === undefined) {
    book.skip(PLACE, room, "Nobody knows how large the database is.");
    return;
  }
  const needed = plan.sizeBytes * BACKUP_COPIES;
  await book.run(PLACE, {
    ...room,
    measure: async () => {
      const free = await freeBytes(disk);
      return {
        isMet: free >= needed,
        measured: `${inMegabytes(free)} MB free`,
        expected: `at least ${inMegabytes(needed)} MB`,
      };
    },
  });
}

/** @param server - `15.18` @throws {DrError} DATABASE_TOOL_MISSING, DATABASE_TOOL_TOO_OLD. */
async function describeRestore(server: string): Promise<string> {
  const major = Number.parseInt(server, 10);
  const { path, version } = await findTool("pg_restore", major);
  return `${path} ${formatVersion(version)}`;
}

/** The backup, its replica, and the scenario's copy of it; a dump is smaller than its tables. */
const BACKUP_COPIES = 3;

function inMegabytes(sizeBytes: number): string {
  return String(Math.ceil(sizeBytes / 1e6));
}

async function validateKeys({ source, book }: ValidationScene): Promise<void> {
  const { encryption, signing } = source.config;
  const encrypts = {
    id: "encryption-key",
    title: "The backups' key is there, and nobody else may read it",
    critical: true,
  };
  if (encryption === undefined) {
    book.skip(PLACE, encrypts, "No encryption is configured.");
  } else {
    await book.run(PLACE, {
      ...encrypts,
      measure: async () => {
        await requireEncryption(encryption);
        const what = `${encryption.format}, its key is readable`;
        return measureNone([], what, "a key that opens backups");
      },
    });
  }
  const signs = {
    id: "signing-key",
    title: "The key that signs backups is there, and nobody else may read it",
    critical: true,
  };
  const { keyFile } = signing;
  if (keyFile === undefined) {
    book.skip(PLACE, signs, "No signing key is configured.");
  } else {
    await book.run(PLACE, {
      ...signs,
      measure: async () => {
        await readSigningKey(keyFile);
        const what = `${basename(keyFile)} is readable`;
        return measureNone([], what, "a key that signs");
      },
    });
  }
}

async function validateContracts({
  source,
  configured,
  book,
}: ValidationScene): Promise<void> {
  const network = {
    id: "network",
    title: `${source.networkName} is reached`,
    critical: true,
  };
  const record = {
    id: "deployments",
    title: "deploy.json is what the chain has",
    critical: true,
  };
  if (!configured.contracts) {
    for (const check of [network, record]) {
      book.skip(PLACE, check, configured.noContracts);
    }
    return;
  }
  await book.run(PLACE, {
    ...network,
    measure: async () => {
      const { ports } = await openSession(source);
      const { number } = await readBlock(ports.rpc, "latest");
      return {
        isMet: true,
        measured: `block ${String(number)}`,
        expected: "its latest block",
      };
    },
  });
  await book.run(PLACE, {
    ...record,
    measure: async () => {
      const { ports } = await openSession(source);
      const { contracts } = await readStatus(ports);
      const drift = contracts.flatMap(({ name, drift: found }) =>
        found.map(
          ({ field, recorded, found: there }) =>
            `${name}: ${field} is ${there}, recorded ${recorded}.`,
        ),
      );
      const names = contracts.map(({ name }) => name).join(", ");
      return measureNone(drift, `${names}: no drift`, "no drift");
    },
  });
}

async function validateTargets({
  source,
  book,
}: ValidationScene): Promise<void> {
  const { targets } = source.config.offsite;
  if (targets.length === 0) {
    const title = "Offsite targets are reached";
    book.skip(
      PLACE,
      { id: "offsite", title, critical: true },
      "No offsite target is configured; a folder of the drill's own stands in for it.",
    );
  }
  for (const target of targets) {
    await book.run(PLACE, {
      id: `offsite-${target.name}`,
      title: `The offsite target ${target.name} is reached, and lets us in`,
      critical: true,
      measure: async () => {
        const storage = await openStorage(target);
        const { objects } = await storage.listPage("");
        return {
          isMet: true,
          measured: `${storage.address}: ${String(objects.length)} objects on its first page`,
          expected: "a listing",
        };
      },
    });
  }
}

/** Runbooks: there, and with something in them. */
export async function validateDocuments(
  { source, book }: Pick<ValidationScene, "source" | "book">,
  place: CheckPlace,
): Promise<void> {
  const { documents } = source.config.drill;
  const check = {
    id: "documents",
    title: "The runbooks are there",
    critical: false,
  };
  if (documents.length === 0) {
    book.skip(place, check, "dr.drill.documents names none.");
    return;
  }
  await book.run(place, {
    ...check,
    measure: async () => {
      const missing = await Promise.all(
        documents.map(async (file) => {
          const found = await ifThere(stat(file));
          return found?.isFile() === true && found.size > 0
            ? []
            : [`${file} is missing or empty.`];
        }),
      );
      const all = `${String(documents.length)} of them`;
      return measureNone(missing.flat(), all, all);
    },
  });
}

/** What would be lost if the disaster were now. */
async function validateAges({
  ports,
  source,
  configured,
  book,
}: ValidationScene): Promise<void> {
  const { config } = source;
  const kinds = [
    ["database", configured.database],
    ["contracts", configured.contracts],
  ] as const;
  for (const [kind, isConfigured] of kinds) {
    const check: Omit<Check, "measure"> = {
      id: `age-${kind}`,
      title: `The newest backup of the ${kind} on this machine is no older than the objective`,
      critical: false,
    };
    const newest = await newestOf(kind, source);
    if (!isConfigured || newest === undefined) {
      book.skip(PLACE, check, "There is none on this machine.");
      continue;
    }
    await book.run(PLACE, {
      ...check,
      measure: async () => {
        const age = (ports.clock.now().getTime() - newest.getTime()) / 1000;
        const seconds = config.objectives.rpoHours * 3600;
        return await Promise.resolve(measureWithin(age, seconds));
      },
    });
  }
}

async function newestOf(
  kind: ArtifactKind,
  { config }: SessionSource,
): Promise<Date | undefined> {
  const folder = placeFolder(config, kind);
  const { entries } = await listArtifacts(folder, config.project);
  return entries.findLast(({ status }) => status === "complete")?.createdAt;
}
