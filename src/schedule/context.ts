import { isAbsolute, join, relative, sep } from "node:path";

import type { NeededEnvironment } from "./environment.js";
import type { ScheduledJob } from "./jobs.js";

/** What the files of a schedule are made of. */
export interface ScheduleContext {
  readonly project: string;
  /** The project's folder, absolute. */
  readonly root: string;
  /** Absolute. */
  readonly paths: { readonly backups: string; readonly logs: string };
  /** For `--network`; absent: the default. */
  readonly network?: string;
  /** Who runs the tasks on this machine. */
  readonly user: string;
  /** Where `node` and `npx` are, absolute. */
  readonly programFolders: readonly string[];
  /** A container image with the project in {@link WORKDIR}. */
  readonly image: string;
  readonly needed: NeededEnvironment;
}

/** A file of a schedule. */
export interface ScheduleFile {
  /** Relative to the folder that they are written into. */
  readonly path: string;
  readonly text: string;
}

/** Seconds that a job waits for another one to end. */
export const LOCK_SECONDS = 7200;
/** How it ends when it has waited for nothing: EX_TEMPFAIL of sysexits.h. */
export const BUSY_STATUS = 75;

/** Where a container has the project. */
export const WORKDIR = "/app";

/** Where a machine's scheduler, which knows nothing of the user's own PATH, looks for programs. */
export function pathOf({
  programFolders,
}: Pick<ScheduleContext, "programFolders">): string {
  const usual = ["/usr/local/bin", "/usr/bin", "/bin"];
  return [...new Set([...programFolders, ...usual])].join(":");
}

/** The words of a task's command line. `--no`: nothing is installed for it. */
export function commandOf(
  command: readonly string[],
  { network }: Pick<ScheduleContext, "network">,
): readonly string[] {
  return [
    "npx",
    "--no",
    "hardhat",
    ...command,
    ...(network === undefined ? [] : ["--network", network]),
  ];
}

/** All commands of a job, for a shell: the first failure is what it ends with, having run the others. */
export function scriptOf(
  { commands }: Pick<ScheduledJob, "commands">,
  context: Pick<ScheduleContext, "network">,
): string {
  const lines = commands.map((command) =>
    commandOf(command, context).map(quoteForShell).join(" "),
  );
  const [only] = lines;
  return lines.length === 1 && only !== undefined
    ? only
    : [
        "status=0",
        'keep() { [ "$status" != 0 ] || status=$1; }',
        ...lines.map((line) => `${line} || keep $?`),
        'exit "$status"',
      ].join("\n");
}

/** As one word. */
export function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A CronJob may have 52 characters: so many are left beside `hardhat-dr-` and `-verification`. */
const LONGEST_NAME = 28;

/** A name of lower-case letters, digits and hyphens, as units, files and Kubernetes want them. */
export function plainName(text: string): string {
  return (
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^-+|-+$/g, "")
      .slice(0, LONGEST_NAME)
      .replace(/-+$/, "") || "project"
  );
}

/** A path as it is in another copy of the project; one outside is the same there. */
export function inCopy(root: string, path: string, copy: string): string {
  const way = relative(root, path);
  const isOutside =
    way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way);
  return isOutside ? path : join(copy, way);
}

export function isInProject(root: string, path: string): boolean {
  return inCopy(root, path, "/copy") !== path;
}
