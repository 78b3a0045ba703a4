import { access } from "node:fs/promises";

import type { CheckedArtifact } from "../artifact/read-artifact.js";
import type { Json } from "../core/canonical-json.js";
import { isDrError } from "../core/errors.js";
import { removeTree } from "../core/remove-tree.js";
import { makeTemporaryFolder } from "../core/temporary-folder.js";
import type { RemoteArtifact } from "../offsite/inventory.js";
import { giveBack, takeLease, type Lease } from "../offsite/lease.js";
import { recordProof } from "../offsite/proof.js";
import type { Storage } from "../offsite/storage.js";
import type { Checklist, Criterion, Recorder } from "./checklist.js";
import {
  fetchBackup,
  findBackup,
  type FetchCriterion,
  type FetchOptions,
  type TestSource,
} from "./fetch-backup.js";

/** How the restore of one kind of backup went. */
export interface PartTest {
  /** Passed when every criterion was measured, and holds. */
  readonly status: "passed" | "failed" | "skipped";
  readonly criteria: readonly Criterion[];
  readonly seconds: number;
  /** Absent when none was found. */
  readonly backup?: Pick<RemoteArtifact, "name" | "key" | "createdAt">;
  /** The database that it was restored into. */
  readonly testDatabase?: string;
  /** That database, under the name that it was kept under. */
  readonly kept?: string;
  /** When it was written down beside the backup that it is good; absent where that wasn't possible. */
  readonly provenAt?: Date;
  /** What people should know of it. */
  readonly notices: readonly string[];
}

export interface PartOptions extends FetchOptions {
  /** Where there is room for a backup; what is downloaded lies there for a while. */
  readonly folder: string;
  readonly now: () => Date;
}

/** What a part does with a backup that is here, and opens. */
export interface Trial {
  readonly kind: "database" | "contracts";
  /** Criteria beyond those of `fetchBackup` are its own; the last, of both, is `cleanup`. */
  readonly checklist: Recorder<FetchCriterion | "cleanup"> &
    Pick<Checklist, "criteria" | "isPassed">;
  /** Writes into the checklist what it measures. @returns for the proof. */
  readonly restore: (checked: CheckedArtifact) => Promise<Json>;
  /** What it left behind, one name each. */
  readonly findLeft: () => Promise<readonly string[]>;
}

/**
 * Puts one backup of a target to the test, from its download to the proof that
 * it was good, and measures that nothing of it is left.
 *
 * @throws only the signal's reason: all else is a criterion that doesn't hold.
 */
export async function testPart(
  source: TestSource,
  { kind, checklist, restore, findLeft }: Trial,
  options: PartOptions,
): Promise<PartTest> {
  const { signal, now } = options;
  const startedAt = performance.now();
  const notices: string[] = [];
  let backup: RemoteArtifact | undefined;
  let how: Json = null;
  let folder: string | undefined;
  let lease: Lease | undefined;
  try {
    backup = findBackup(source, kind, options, checklist);
    lease = await takeLease(source.storage, [backup.key]);
    folder = await makeTemporaryFolder("restore-test", options.folder);
    const checked = await fetchBackup(
      source,
      backup,
      folder,
      options,
      checklist,
    );
    if (checked !== undefined) {
      how = await restore(checked);
    }
  } catch (error) {
    signal.throwIfAborted();
    checklist.fail(error);
  } finally {
    if (folder !== undefined) {
      await removeTree(folder);
    }
    await giveBack(lease);
  }
  signal.throwIfAborted();
  await measureCleanup(checklist, folder, findLeft);
  const proof =
    checklist.isPassed && backup !== undefined
      ? await tryRecordProof(source.storage, backup, now(), how, notices)
      : {};
  return {
    status: checklist.isPassed ? "passed" : "failed",
    criteria: checklist.criteria,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    ...(backup === undefined ? {} : { backup }),
    ...proof,
    notices,
  };
}

async function measureCleanup(
  checklist: Trial["checklist"],
  folder: string | undefined,
  findLeft: Trial["findLeft"],
): Promise<void> {
  try {
    const isThere =
      folder !== undefined &&
      (await access(folder).then(
        () => true,
        () => false,
      ));
    const left = [...(isThere ? [folder] : []), ...(await findLeft())];
    checklist.record(
      "cleanup",
      left.length === 0,
      left.length === 0 ? "nothing is left" : `left: ${left.join(", ")}`,
    );
  } catch (error) {
    checklist.fail(error, "cleanup");
  }
}

/** The test stands without it: one may only read there. */
async function tryRecordProof(
  storage: Storage,
  { key }: RemoteArtifact,
  at: Date,
  how: Json,
  notices: string[],
): Promise<Pick<PartTest, "provenAt">> {
  try {
    await recordProof(storage, key, at, how);
    return { provenAt: at };
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    notices.push(`That it is good isn't noted there: ${error.message}`);
    return {};
  }
}
