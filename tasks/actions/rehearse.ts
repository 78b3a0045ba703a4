import type { NewTaskActionFunction } from "hardhat/types/tasks";

import type { Json } from "../../src/core/canonical-json.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES, type ExitCode } from "../../src/core/exit-codes.js";
import {
  formatRehearsal,
  formatRehearsalMarkdown,
} from "../../src/display/rehearsal.js";
import type { Rehearsal } from "../../src/rehearsal/rehearse.js";
import { writeReport } from "../../src/rehearsal/write-report.js";
import { exitCodeOf } from "../../src/run/runner.js";
import {
  rehearseProcedure,
  type Procedure,
} from "../../src/session/rehearse-procedure.js";
import { tell } from "./apply.js";
import { refreshExercises } from "./exercises.js";
import { runTask, type Output } from "./output.js";
import { networkFolder, sessionOptions, sourceOf } from "./session.js";
import { simulationOf } from "./simulation.js";
import { parseConstructorArguments } from "./upgrade.js";

interface RehearseArguments {
  readonly procedure: string;
  readonly names: string[];
  readonly all: boolean;
  readonly to: string;
  readonly noPause: boolean;
  readonly keepPaused: boolean;
  readonly unpause: boolean;
  readonly acceptStorageRisk?: string | undefined;
  readonly constructorArgs: string;
  readonly from?: string | undefined;
  readonly route?: string | undefined;
  readonly confirmations?: string | undefined;
  readonly json: boolean;
}

const action: NewTaskActionFunction<RehearseArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const procedure = parseProcedure(args);
    const onFork: Output = {
      ...output,
      progress: (line) => {
        output.progress(`fork  ${line}`);
      },
    };
    const source = await sourceOf(hre);
    const rehearsal = await rehearseProcedure(
      source,
      simulationOf(hre, source.networkConfig),
      procedure,
      {
        ...sessionOptions(args),
        progress: onFork.progress,
        onEvent: (event) => {
          tell(event, onFork);
        },
      },
    );
    const { report } = rehearsal;
    const files = await writeReport(
      networkFolder(source),
      report,
      formatRehearsalMarkdown(report),
    );
    await refreshExercises(source.config);
    output.text(formatRehearsal(report, files, output.paint));
    return {
      json: { ...report, files } as unknown as Json,
      exitCode: exitCodeFor(rehearsal),
    };
  });

export default action;

/** @throws {DrError} OPTION_INVALID. */
function parseProcedure(args: RehearseArguments): Procedure {
  const { procedure, names, all, to, keepPaused } = args;
  switch (procedure) {
    case "pause":
      return { kind: "pause", names, all };
    case "rollback":
      return {
        kind: "rollback",
        names,
        all,
        to: to === "" ? "previous" : to,
        pause: !args.noPause,
        keepPaused,
        acceptedSlots: args.acceptStorageRisk?.split(",") ?? [],
      };
    case "emergency":
      return {
        kind: "emergency",
        names,
        all,
        to,
        unpause: args.unpause,
        constructorArguments: parseConstructorArguments(args.constructorArgs),
        acceptedSlots: args.acceptStorageRisk?.split(",") ?? [],
      };
    case "upgrade":
      return {
        kind: "upgrade",
        name: onlyName(names),
        to,
        constructorArguments: parseConstructorArguments(args.constructorArgs),
      };
    default:
      throw new DrError("OPTION_INVALID", {
        option: "PROCEDURE",
        value: procedure,
        expected: "pause, rollback, upgrade or emergency",
      });
  }
}

function onlyName(names: readonly string[]): string {
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) {
    throw new DrError("OPTION_INVALID", {
      option: "the contract to upgrade",
      value: names.join(" "),
      expected: "one name, as in deploy.json",
    });
  }
  return name;
}

/** The procedure's own: the shell is told what it would be told for real. */
function exitCodeFor({ outcome, refused }: Rehearsal): ExitCode {
  return outcome.status === "done" && refused.length > 0
    ? EXIT_CODES.partial
    : exitCodeOf(outcome);
}
