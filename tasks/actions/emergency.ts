import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { DrError, isDrError, messageOf } from "../../src/core/errors.js";
import {
  formatRehearsal,
  formatRehearsalMarkdown,
  summarizeChanges,
} from "../../src/display/rehearsal.js";
import type {
  EmergencyOptions,
  EmergencyResolution,
} from "../../src/recovery/emergency.js";
import { writeReport } from "../../src/rehearsal/write-report.js";
import type { SimulationReport } from "../../src/safe/proposal.js";
import { writeIncident } from "../../src/incident/write-incident.js";
import { prepareEmergency } from "../../src/session/procedure.js";
import { rehearseProcedure } from "../../src/session/rehearse-procedure.js";
import { runChange } from "./change.js";
import { incidentPorts } from "./incident-ports.js";
import type { Output } from "./output.js";
import { explainSafety, safetyOf } from "./safety.js";
import {
  chosenNetwork,
  networkFolder,
  sessionOptions,
  sourceOf,
  type ChangingArguments,
} from "./session.js";
import { simulationOf } from "./simulation.js";
import { parseConstructorArguments } from "./upgrade.js";

interface EmergencyArguments extends ChangingArguments {
  readonly names: string[];
  readonly all: boolean;
  readonly to: string;
  readonly unpause: boolean;
  readonly constructorArgs: string;
  readonly acceptStorageRisk?: string | undefined;
}

const action: NewTaskActionFunction<EmergencyArguments> = async (args, hre) => {
  const options = () => parseOptions(args);
  return await runChange<EmergencyResolution>(args, hre, {
    before: async (_, output) => ({
      simulation: await simulate(args, options(), hre, output),
    }),
    prepare: async (session) => await prepareEmergency(session, options()),
    after: async (run, hre, output) => {
      const incident = await document(run, hre, output);
      return { incident };
    },
    explain: explainSafety,
    extend: safetyOf,
  });
};

export default action;

/** The incident's document; that it can't be written mustn't hide what was done. */
async function document(
  run: string,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<string | null> {
  const { folder } = chosenNetwork(hre);
  try {
    const { path } = await writeIncident(incidentPorts(hre, folder), { run });
    output.text(
      `${path}: the incident so far; what is yours to add is blank\n`,
    );
    return path;
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    output.progress(`${error.message} ${error.fix}`);
    return null;
  }
}

/** @throws {DrError} OPTION_INVALID. */
function parseOptions(args: EmergencyArguments): EmergencyOptions {
  const { names, all, to, unpause } = args;
  return {
    names,
    all,
    to,
    unpause,
    constructorArguments: parseConstructorArguments(args.constructorArgs),
    acceptedSlots: args.acceptStorageRisk?.split(",") ?? [],
  };
}

/**
 * The whole of it on a fork of the chain as it is now, before anybody is asked
 * to sign.
 *
 * @throws {DrError} EMERGENCY_WOULD_FAIL.
 */
async function simulate(
  args: EmergencyArguments,
  options: EmergencyOptions,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<SimulationReport> {
  const source = await sourceOf(hre);
  const { report, outcome } = await rehearseProcedure(
    source,
    simulationOf(hre, source.networkConfig),
    { kind: "emergency", ...options },
    {
      ...sessionOptions(args),
      progress: (line) => {
        output.progress(`fork  ${line}`);
      },
    },
  );
  const files = args.dryRun
    ? undefined
    : await writeReport(
        networkFolder(source),
        report,
        formatRehearsalMarkdown(report),
      );
  output.text(formatRehearsal(report, files, output.paint));
  if (outcome.status === "failed") {
    const { error } = outcome;
    throw new DrError(
      "EMERGENCY_WOULD_FAIL",
      {
        reason: messageOf(error),
        report: files?.markdown ?? "the rehearsal above",
      },
      { cause: error },
    );
  }
  return {
    block: report.fork.block,
    status: "success",
    gasUsed: Number(report.gasUsed),
    changes: [...summarizeChanges(report), ...report.findings],
  };
}
