import { hostname } from "node:os";
import { join } from "node:path";
import { rm } from "node:fs/promises";

import * as z from "zod";

import { writeAtomically } from "../core/atomic-write.js";
import { readIfThere } from "../core/if-there.js";
import { namesIn } from "../core/names-in.js";
import { writing } from "../core/writing.js";
import { isSameProcess, processBirth } from "../run/process-birth.js";
import type { Mark } from "./mark.js";

const made = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("folder"), path: z.string() }),
  z.strictObject({
    kind: z.literal("database"),
    /** `db.example.org:5432` */
    server: z.string(),
    name: z.string().regex(/^dr_drill_[0-9]{14}_[0-9a-f]{8}$/),
  }),
  z.strictObject({
    kind: z.literal("objects"),
    /** As in the configuration. */
    target: z.string(),
    prefix: z.string().regex(/drills\/DR_DRILL_[0-9]{8}_[0-9]{6}\/$/),
  }),
]);

/** Something that a drill makes outside of its process, and removes again. */
export type Made = z.infer<typeof made>;

const schema = z.strictObject({
  drillId: z.string(),
  token: z.string().regex(/^[0-9a-f]{64}$/),
  host: z.string(),
  pid: z.int(),
  birth: z.string().optional(),
  made: z.array(made),
});

/** What a drill that died has left. */
export interface LeftBehind {
  readonly mark: Mark;
  readonly made: readonly Made[];
  /** That it is all gone. */
  readonly forget: () => Promise<void>;
}

const NAME = /^\.DR_DRILL_[0-9]{8}_[0-9]{6}\.made\.json$/;

/** What a drill makes, written down before it is made: whoever finds it knows what to remove. */
export class MadeRecord {
  readonly #path: string;
  readonly #owner: Omit<z.infer<typeof schema>, "made">;
  #made: readonly Made[] = [];

  private constructor(
    path: string,
    owner: Omit<z.infer<typeof schema>, "made">,
  ) {
    this.#path = path;
    this.#owner = owner;
  }

  /** @param folder - Of the reports. */
  static async open(folder: string, mark: Mark): Promise<MadeRecord> {
    const birth = await processBirth(process.pid);
    return new MadeRecord(join(folder, `.${mark.drillId}.made.json`), {
      ...mark,
      host: hostname(),
      pid: process.pid,
      ...(birth === undefined ? {} : { birth }),
    });
  }

  get made(): readonly Made[] {
    return this.#made;
  }

  /** Before it is made. @throws {DrError} NOT_WRITABLE. */
  async add(one: Made): Promise<void> {
    this.#made = [...this.#made, one];
    await this.#write();
  }

  /** It is gone. @throws {DrError} NOT_WRITABLE. */
  async remove(one: Made): Promise<void> {
    this.#made = this.#made.filter((other) => other !== one);
    await this.#write();
  }

  async #write(): Promise<void> {
    const record = { ...this.#owner, made: this.#made };
    await writing(this.#path, async () => {
      await (this.#made.length === 0
        ? rm(this.#path, { force: true })
        : writeAtomically(this.#path, `${JSON.stringify(record, null, 2)}\n`));
    });
  }
}

/** What drills of this machine have left that don't run any more. */
export async function findLeftBehind(
  folder: string,
): Promise<readonly LeftBehind[]> {
  const names = (await namesIn(folder)).filter((name) => NAME.test(name));
  const found = await Promise.all(
    names.toSorted().map(async (name) => await readRecord(join(folder, name))),
  );
  return found.filter((one) => one !== undefined);
}

/** @returns undefined of one that is at work, of another machine's, and of what isn't a record. */
async function readRecord(path: string): Promise<LeftBehind | undefined> {
  const parsed = schema.safeParse(parseJson((await readIfThere(path)) ?? ""));
  if (!parsed.success) {
    return undefined;
  }
  const { drillId, token, host, pid, birth, made: all } = parsed.data;
  if (host !== hostname() || (await isSameProcess(pid, birth))) {
    return undefined;
  }
  return {
    mark: { drillId, token },
    made: all,
    forget: async () => {
      await rm(path, { force: true });
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
