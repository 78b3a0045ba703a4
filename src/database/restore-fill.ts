import type { Clock } from "../core/clock.js";
import { isDrError } from "../core/errors.js";
import type { Meter } from "../core/meter.js";
import { inDatabase } from "./access.js";
import type { Layout } from "./layout.js";
import { loadDump } from "./restore-load.js";
import type { Readiness, RequirementOptions } from "./restore-requirements.js";
import type { Dump } from "./restore-source.js";
import {
  createScratch,
  dropScratch,
  findLayout,
  nameScratch,
  renameScratch,
  unmark,
  type Scratch,
} from "./scratch.js";
import { withSession, type Session } from "./session.js";
import { beginningOf, nameFree } from "./swap.js";
import {
  examineRestored,
  requireGood,
  type Examination,
} from "./verify-restored.js";

/** What happens, in this order; each is told once it is through. */
export type RestoreStep = "created" | "loaded" | "verified" | "placed";

export interface FillOptions extends RequirementOptions {
  readonly criticalTables: readonly string[];
  /** Texts are stored and sorted as in this database where the dump doesn't say how. */
  readonly like: string;
  /** Leave what came out, when it isn't what was backed up, under a name of its own. */
  readonly keep: boolean;
  /** Its name from the beginning, with a time after it; absent: one that only we give, and `like` and `_restore` when it is left. */
  readonly keepAs?: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly meter?: Meter;
  readonly onStep?: (step: RestoreStep) => void;
  /** Told what came out, good or not. */
  readonly onExamined?: (examination: Examination) => void;
}

/**
 * Makes a new database of a dump and examines it. Unless it is good it is
 * dropped again, or kept under a name of its own.
 *
 * @param session - Beside it; its claim ends with it.
 * @param prepare - Called once it is there, before it is filled.
 * @throws {DrError} DATABASE_RESTORED_WRONG, and those of `loadDump` and `createScratch`.
 */
export async function fillScratch(
  session: Session,
  dump: Dump & Pick<Readiness, "tool">,
  options: FillOptions,
  onCreated: (scratch: Scratch) => Promise<void> = async () => {
    // Nothing to prepare.
  },
): Promise<{ readonly scratch: Scratch; readonly examination: Examination }> {
  const { meter, signal, onStep } = options;
  const layout = dump.fingerprint ?? (await findLayout(session, options.like));
  const scratch = await createNamed(session, layout, options);
  try {
    await onCreated(scratch);
    onStep?.("created");
    const access = inDatabase(session.access, scratch.name);
    const { isComplete } = await loadDump(dump, {
      ...options,
      access,
      tool: dump.tool,
    });
    onStep?.("loaded");
    meter?.begin("examining it", undefined);
    const examination = await withSession(access, async (inside) => {
      // Without statistics the first queries would take the slowest ways.
      await inside.query("ANALYZE");
      signal.throwIfAborted();
      return await examineRestored(inside, {
        ...options,
        isComplete,
        ...(dump.fingerprint === undefined
          ? {}
          : { fingerprint: dump.fingerprint }),
      });
    });
    options.onExamined?.(examination);
    const kept =
      examination.problems.length > 0 && options.keep
        ? await keepScratch(session, scratch, options)
        : undefined;
    requireGood(dump.name, examination, kept);
    return { scratch, examination };
  } catch (error) {
    await tryDrop(session, scratch);
    throw error;
  }
}

async function createNamed(
  session: Session,
  layout: Layout | undefined,
  { clock, keepAs, like }: Pick<FillOptions, "clock" | "keepAs" | "like">,
): Promise<Scratch> {
  const scratch = await createScratch(session, clock.now(), layout, like);
  return keepAs === undefined
    ? scratch
    : await nameScratch(
        session,
        scratch,
        await nameFree(session, keepAs, clock.now()),
      );
}

/** A server that can't be reached keeps it until the next run. */
async function tryDrop(session: Session, { name }: Scratch): Promise<void> {
  try {
    await dropScratch(session, name);
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
  }
}

/** A name for what came out, though it isn't good. */
export async function keepScratch(
  session: Session,
  { name }: Scratch,
  { like, keepAs, clock }: Pick<FillOptions, "like" | "keepAs" | "clock">,
): Promise<string> {
  if (keepAs !== undefined) {
    await unmark(session, name);
    return name;
  }
  const kept = await nameFree(
    session,
    beginningOf(like, "restore"),
    clock.now(),
  );
  await renameScratch(session, name, kept);
  return kept;
}
