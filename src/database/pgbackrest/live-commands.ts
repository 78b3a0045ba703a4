import { join } from "node:path";

import { DrError } from "../../core/errors.js";
import { nameOfDatabase, type Access } from "../access.js";
import { askLive } from "./live.js";
import { postmasterOf, waitUntilGone } from "./postmaster.js";
import { runCommand } from "./program.js";
import { findServerPrograms, majorOf } from "./server-programs.js";
import type { PgbackrestSettings } from "./settings.js";

/** How Debian's packages lay servers out. */
const DEBIAN = /^\/var\/lib\/postgresql\/(\d+)\/([^/]+)$/;

/**
 * Stops the live server, where it runs. Where its process can't be seen, as in
 * a container, it is known by its answer.
 *
 * @throws {DrError} PGBACKREST_STILL_RUNS, and DATABASE_TOOL_FAILED; nothing
 * has been moved then.
 */
export async function stopLive(
  settings: PgbackrestSettings,
  access: Access,
): Promise<void> {
  const { dataFolder, timeoutSeconds } = settings;
  const answers = async () => (await askLive(access)) !== undefined;
  if ((await postmasterOf(dataFolder)) === undefined && !(await answers())) {
    return;
  }
  const { command, identity } = await commandFor("stop", settings);
  await runCommand(command, identity);
  if (
    !(await waitUntilGone(dataFolder, timeoutSeconds * 1000)) ||
    (await answers())
  ) {
    throw new DrError("PGBACKREST_STILL_RUNS", {
      folder: dataFolder,
      command: command.join(" "),
      database: nameOfDatabase(access),
    });
  }
}

/** Starts the server of the live folder, unless it runs. @throws {DrError} DATABASE_TOOL_FAILED. */
export async function startLive(settings: PgbackrestSettings): Promise<void> {
  if ((await postmasterOf(settings.dataFolder)) === undefined) {
    const { command, identity } = await commandFor("start", settings);
    await runCommand(command, identity);
  }
}

type Deed = "start" | "stop";

interface Command {
  readonly command: readonly string[];
  /** Absent: as this process's user. */
  readonly identity?: PgbackrestSettings["identity"];
}

async function commandFor(
  deed: Deed,
  settings: PgbackrestSettings,
): Promise<Command> {
  const own = settings[deed];
  if (own !== undefined) {
    return { command: own };
  }
  const { dataFolder, identity } = settings;
  const [, version, name] = DEBIAN.exec(dataFolder) ?? [];
  if (version !== undefined && name !== undefined) {
    const mode = deed === "stop" ? ["--mode", "fast"] : [];
    return { command: ["pg_ctlcluster", version, name, deed, ...mode] };
  }
  const major = (await majorOf(dataFolder)) ?? "";
  const path = join(await findServerPrograms(major, settings), "pg_ctl");
  const common = ["--pgdata", dataFolder, "--wait", "--silent"];
  return {
    identity,
    command:
      deed === "stop"
        ? [path, "stop", ...common, "--mode", "fast"]
        : [path, "start", ...common, "--log", `${dataFolder}.log`],
  };
}
