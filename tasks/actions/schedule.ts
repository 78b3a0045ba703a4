import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatSchedule, formatWritten } from "../../src/display/schedule.js";
import type {
  ScheduleContext,
  ScheduleFile,
} from "../../src/schedule/context.js";
import { cronFiles } from "../../src/schedule/cron.js";
import { findNeeded } from "../../src/schedule/environment.js";
import { githubFiles } from "../../src/schedule/github.js";
import { kubernetesFiles } from "../../src/schedule/kubernetes.js";
import { systemdFiles } from "../../src/schedule/systemd.js";
import {
  planSchedule,
  writeSchedule,
} from "../../src/schedule/write-schedule.js";
import { runTask } from "./output.js";

interface ScheduleArguments {
  readonly target: string;
  readonly out: string | undefined;
  readonly image: string | undefined;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Who runs a schedule: what its files are, and where they go when nobody says. */
const TARGETS = {
  cron: { folder: "schedules/cron", files: cronFiles },
  github: { folder: ".github/workflows", files: githubFiles },
  systemd: { folder: "schedules/systemd", files: systemdFiles },
  kubernetes: { folder: "schedules/kubernetes", files: kubernetesFiles },
} as const satisfies Record<
  string,
  {
    readonly folder: string;
    readonly files: (
      context: ScheduleContext,
      folder: string,
    ) => readonly ScheduleFile[];
  }
>;

const action: NewTaskActionFunction<ScheduleArguments> = async (args, hre) =>
  await runTask({ json: args.json }, async (output) => {
    const target = parseTarget(args.target);
    const { folder: usual, files } = TARGETS[target];
    const { root } = hre.config.paths;
    const folder =
      args.out === undefined ? join(root, usual) : resolve(root, args.out);
    const context = contextOf(args, hre);
    const planned = await planSchedule(files(context, folder), folder);
    const notices = noticesOf(target, args, hre);
    if (args.dryRun) {
      output.text(formatSchedule(planned, output.paint));
    } else {
      await writeSchedule(planned, args.force);
      output.text(formatWritten(planned, notices, output.paint));
    }
    return {
      json: {
        status: args.dryRun ? "planned" : "done",
        target,
        files: planned.map(({ file, status, text }) => ({
          file,
          status,
          ...(args.dryRun ? { text } : {}),
        })),
        secrets: [...context.needed.secrets],
        settings: Object.keys(context.needed.settings),
        secretFiles: context.needed.files.map(({ secret }) => secret),
        notices: [...notices],
      },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;

/** @throws {DrError} OPTION_INVALID. */
function parseTarget(value: string): keyof typeof TARGETS {
  const names = Object.keys(TARGETS) as (keyof typeof TARGETS)[];
  const found = names.find((one) => one === value);
  if (found === undefined) {
    throw new DrError("OPTION_INVALID", {
      option: "--target",
      value,
      expected: names.join(", "),
    });
  }
  return found;
}

function contextOf(
  { image }: Pick<ScheduleArguments, "image">,
  { config, userConfig, globalOptions }: HardhatRuntimeEnvironment,
): ScheduleContext {
  const { dr, paths } = config;
  const { network } = globalOptions as { readonly network?: string };
  return {
    project: dr.project,
    root: paths.root,
    paths: dr.paths,
    user: userInfo().username,
    programFolders: findProgramFolders(),
    image: image ?? `${dr.project.toLowerCase()}:latest`,
    needed: findNeeded(userConfig, paths.root, process.env),
    ...(network === undefined ? {} : { network }),
  };
}

/** Of this Node, and of the npx that goes with some Node. */
function findProgramFolders(): readonly string[] {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const npx = folders.find(
    (folder) => isAbsolute(folder) && existsSync(join(folder, "npx")),
  );
  const own = dirname(process.execPath);
  return npx === undefined || npx === own ? [own] : [own, npx];
}

function noticesOf(
  target: keyof typeof TARGETS,
  { image }: Pick<ScheduleArguments, "image">,
  { config: { dr } }: HardhatRuntimeEnvironment,
): readonly string[] {
  return [
    ...(dr.database === undefined
      ? [
          "No database is configured here: what verifies its backups will fail until one is.",
        ]
      : []),
    ...(dr.offsite.targets.length === 0
      ? [
          "No offsite target is configured here: what replicates to them, or restores from them, will fail until one is.",
        ]
      : []),
    ...(target === "cron"
      ? [
          "Times are UTC: where cron knows no CRON_TZ, as on Debian, the machine's time zone must be UTC.",
        ]
      : []),
    ...(target === "kubernetes" && image === undefined
      ? ["Name the image that holds this project with --image."]
      : []),
  ];
}
