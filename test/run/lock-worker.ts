/** A process that takes and gives back locks as its parent tells it. */
import { randomUUID } from "node:crypto";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import { systemClock } from "../../src/core/clock.js";
import { isDrError } from "../../src/core/errors.js";
import { acquireLock, type Lock } from "../../src/run/lock.js";

/** What a worker is told; it answers with one word. */
export type Order =
  | { readonly kind: "acquire"; readonly folder: string }
  | { readonly kind: "release" }
  /** Again and again; in turns given back, or left behind as if by the dead. */
  | {
      readonly kind: "storm";
      readonly folder: string;
      readonly times: number;
      readonly deadPid: number;
    };

let lock: Lock | undefined;

process.on("message", (order: Order) => {
  void obey(order).then((word) => process.send?.(word));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");

async function obey(order: Order): Promise<string> {
  switch (order.kind) {
    case "acquire":
      return await tryToAcquire(order.folder);
    case "release":
      await lock?.release();
      return "released";
    case "storm":
      return await storm(order);
  }
}

async function tryToAcquire(folder: string): Promise<string> {
  try {
    lock = await acquireLock(folder, systemClock);
    return lock.takenFrom === undefined ? "won" : "took over";
  } catch (error) {
    return isDrError(error) ? error.code : String(error);
  }
}

/** `alone` unless it met somebody where the lock lets in one. */
async function storm({
  folder,
  times,
  deadPid,
}: Extract<Order, { kind: "storm" }>): Promise<string> {
  for (let held = 0; held < times;) {
    const word = await tryToAcquire(folder);
    if (word === "RUN_LOCKED") {
      continue;
    }
    if (word !== "won" && word !== "took over") {
      return word;
    }
    const inside = join(folder, "inside");
    try {
      await (await open(inside, "wx")).close();
    } catch {
      return "met somebody";
    }
    await rm(inside);
    held += 1;
    await (held % 2 === 0 ? lock?.release() : leaveBehind(folder, deadPid));
  }
  return "alone";
}

async function leaveBehind(folder: string, pid: number): Promise<void> {
  const id = randomUUID();
  const owner = { user: "ada", host: hostname(), pid, since: new Date(), id };
  await writeFile(join(folder, id), JSON.stringify(owner));
  await rename(join(folder, id), join(folder, ".lock"));
}
