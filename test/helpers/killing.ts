import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";

import type { Started } from "./cli-project.js";
import type { RecoveryScene } from "./recovery-scene.js";

export const MOST_ATTEMPTS = 80;
const WAITING = 4;

/** When a process is killed. */
export type Kill =
  /** As soon as its n-th record is on the disk. */
  | { readonly records: number }
  /** As soon as a record is there that takes the run further. */
  | { readonly at: "progress" }
  /** As soon as the node has one more transaction of ours. */
  | { readonly at: "send" }
  | { readonly milliseconds: number };

/**
 * What somebody does whose process dies: resume the run, or start again when
 * none had begun.
 *
 * @returns how many were killed.
 */
export async function recover(
  scene: RecoveryScene,
  command: readonly string[],
  kills: readonly Kill[],
): Promise<number> {
  let died = 0;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const args = await nextCommand(scene, command);
    if (args === undefined) {
      return died;
    }
    const started = scene.project.start([...args, "--yes", "--json"]);
    const kill = kills[attempt];
    if (kill !== undefined) {
      await killWhen(scene, started, kill);
    }
    const { exitCode, signal, stdout, stderr } = await started.ended;
    if (signal === "SIGKILL") {
      died += 1;
    } else {
      expect(exitCode, `${args.join(" ")}\n${stdout}${stderr}`).to.equal(
        recordTypes(scene).at(-1) === "run-waiting" ? WAITING : 0,
      );
    }
    if (recordTypes(scene).at(-1) === "run-waiting") {
      await scene.passDelay();
    }
  }
  expect.fail("it never comes to its end");
}

/** By the journals alone, as they are on the disk. */
async function nextCommand(
  scene: RecoveryScene,
  command: readonly string[],
): Promise<readonly string[] | undefined> {
  const texts = [...(await scene.project.journals()).values()];
  if (texts.some((text) => /"type":"run-done".*\n$/.test(text))) {
    return undefined;
  }
  const isBegun = texts.some((text) => text.includes("\n"));
  return isBegun ? ["dr:resume"] : command;
}

async function killWhen(
  scene: RecoveryScene,
  { child, ended }: Started,
  kill: Kill,
): Promise<void> {
  if ("milliseconds" in kill) {
    await Promise.race([sleep(kill.milliseconds), ended]);
  } else {
    const isTime = await momentOf(scene, kill);
    while (child.exitCode === null && !(await isTime())) {
      await sleep(2);
    }
  }
  child.kill("SIGKILL");
}

async function momentOf(
  scene: RecoveryScene,
  kill: Exclude<Kill, { readonly milliseconds: number }>,
): Promise<() => boolean | Promise<boolean>> {
  if ("at" in kill && kill.at === "send") {
    const sent = async () =>
      await scene.rpc.nonce(scene.platform.owner, "pending");
    const before = await sent();
    return async () => (await sent()) > before;
  }
  const before = recordTypes(scene).length;
  return () => {
    const news = recordTypes(scene).slice(before);
    return "records" in kill
      ? news.length >= kill.records
      : news.some((type) => !AGAIN.test(type));
  };
}

/** What each attempt writes anew: whoever is killed at it every time gets nowhere. */
const AGAIN = /^(run-resumed|step-started|snapshot-announced)$/;

/** Of all records that are whole. */
function recordTypes({ project }: RecoveryScene): string[] {
  const folder = join(project.folder, "runs");
  try {
    const texts = readdirSync(folder).map((name) =>
      readFileSync(join(folder, name), "utf8"),
    );
    return texts
      .flatMap((text) => text.split("\n").slice(0, -1))
      .map((line) =>
        line.includes('"entry":{"artifact":')
          ? "snapshot-announced"
          : (/"type":"([a-z-]+)"/.exec(line)?.[1] ?? ""),
      );
  } catch {
    return [];
  }
}
