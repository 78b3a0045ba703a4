import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { systemClock } from "../../src/core/clock.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  formatRestored,
  formatRestorePlan,
  formatVerified,
  restoredToJson,
} from "../../src/display/snapshot.js";
import { isDevelopmentChain } from "../../src/session/open-session.js";
import { withSnapshot } from "../../src/snapshot/open-snapshot.js";
import { recompileSnapshot } from "../../src/snapshot/recompile.js";
import {
  planRestore,
  type RestorePlaces,
} from "../../src/snapshot/restore-plan.js";
import { restoreSnapshot } from "../../src/snapshot/restore.js";
import { requireConsent, requireConsentPossible } from "./apply.js";
import { compilerOf } from "./compile-build.js";
import {
  findNamedSnapshot,
  openFound,
  type OpenableSnapshot,
} from "./find-snapshot.js";
import { runTask, type Output, type TaskResult } from "./output.js";
import { chosenNetwork } from "./session.js";

interface RestoreArguments {
  readonly name: string;
  readonly recompile: boolean;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

const action: NewTaskActionFunction<RestoreArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const found = await findNamedSnapshot(hre, args.name);
    return await restoreFrom(found, args, hre, output);
  });

export default action;

/** Restores what a snapshot has of the project: verified, shown, asked, done. */
export async function restoreFrom(
  found: OpenableSnapshot,
  args: Omit<RestoreArguments, "name" | "json">,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  return await withSnapshot(openFound(found, output), async (opened) => {
    const { artifact, snapshot } = opened;
    const recompiled = args.recompile
      ? { recompiled: await recompileSnapshot(opened, compilerOf(hre)) }
      : {};
    const { unreadable } = found;
    const view = { ...artifact, snapshot, unreadable, ...recompiled };
    const places = placesOf(hre);
    const plan = await planRestore(opened, places);
    output.text(formatVerified(view, output.paint));
    output.text(formatRestorePlan(plan, output.paint));
    const isNeeded = plan.some(({ action: what }) => what !== "same");
    if (args.dryRun || !isNeeded) {
      const status = args.dryRun ? "planned" : "done";
      const json = restoredToJson(view, status, plan);
      return { json, exitCode: EXIT_CODES.done };
    }
    const { network } = places;
    const isDevelopment = isDevelopmentChain(BigInt(snapshot.chainId));
    const target = { isDevelopment, ports: { network } };
    await requireConsent("restore this", target, args, hre);
    const ports = { clock: systemClock };
    const files = await restoreSnapshot(opened, places, plan, ports);
    output.text(formatRestored(files, network));
    const json = restoredToJson(view, "done", files);
    return { json, exitCode: EXIT_CODES.done };
  });
}

/** No RPC is asked: it may be part of the disaster. */
function placesOf(hre: HardhatRuntimeEnvironment): RestorePlaces {
  const { paths, networks } = hre.config;
  const { network, folder } = chosenNetwork(hre);
  return {
    network,
    chainId: networks[network]?.chainId,
    folder,
    root: paths.root,
    artifacts: paths.artifacts,
  };
}
