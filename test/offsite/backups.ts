import { Readable } from "node:stream";

import {
  writeArtifact,
  type ArtifactPlace,
  type WrittenArtifact,
} from "../../src/artifact/write-artifact.js";
import type { ArtifactKind } from "../../src/artifact/name.js";
import type { Json } from "../../src/core/canonical-json.js";
import { generateBackupKey } from "../../src/artifact/backup-key.js";

const DAY_MS = 86_400_000;

/** Backups of a project, made as of old. */
export class Backups {
  readonly folder: string;
  readonly keyFile: string;

  constructor(folder: string, keyFile: string) {
    this.folder = folder;
    this.keyFile = keyFile;
  }

  static async create(root: string): Promise<Backups> {
    const backups = new Backups(`${root}/backups`, `${root}/backup.key`);
    await generateBackupKey(backups.keyFile);
    return backups;
  }

  /** Makes one, so many days ago. */
  async make(
    kind: ArtifactKind,
    daysAgo = 0,
    {
      text = `${kind} of ${String(daysAgo)} days ago`,
      contents = {},
      ...place
    }: Partial<ArtifactPlace> & {
      readonly text?: string;
      readonly contents?: Json;
    } = {},
  ): Promise<WrittenArtifact> {
    const at = new Date(Date.now() - daysAgo * DAY_MS);
    return await writeArtifact(
      {
        folder: `${this.folder}/${kind}`,
        project: "takumi",
        clock: { now: () => at, sleep: () => Promise.resolve() },
        tool: "hardhat-dr 1.0.0",
        compression: "gzip",
        encryption: {
          format: "aes-256-gcm",
          keyFile: this.keyFile,
          oldKeyFiles: [],
          recipients: [],
        },
        ...place,
      },
      {
        kind,
        stream: Readable.from([text], { objectMode: false }),
        describe: () => ({ contents, recoveryPoint: {} }),
      },
    );
  }
}
