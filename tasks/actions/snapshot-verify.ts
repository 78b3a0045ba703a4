import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatVerified, verifiedToJson } from "../../src/display/snapshot.js";
import { count } from "../../src/display/text.js";
import {
  compareWithChain,
  type Comparison,
} from "../../src/snapshot/compare-with-chain.js";
import {
  withSnapshot,
  type OpenedSnapshot,
} from "../../src/snapshot/open-snapshot.js";
import {
  recompileSnapshot,
  type Recompiled,
} from "../../src/snapshot/recompile.js";
import { compilerOf } from "./compile-build.js";
import { findNamedSnapshot, openFound } from "./find-snapshot.js";
import { noteProof } from "./note-proof.js";
import { runTask, type Output } from "./output.js";
import { withBar } from "./progress.js";
import { connect } from "./session.js";

interface VerifyArguments {
  readonly name: string;
  readonly live: boolean;
  readonly recompile: boolean;
  readonly json: boolean;
}

/** That the chain has moved on since is what it does, and no failure: exit code 0. */
const action: NewTaskActionFunction<VerifyArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const found = await findNamedSnapshot(hre, args.name);
    return await withSnapshot(openFound(found, output), async (opened) => {
      const recompiled = args.recompile
        ? await recompile(opened, hre, output)
        : undefined;
      const live = args.live ? await compare(opened, hre, output) : undefined;
      const view = {
        ...opened.artifact,
        snapshot: opened.snapshot,
        unreadable: found.unreadable,
        ...(recompiled === undefined ? {} : { recompiled }),
        ...(live === undefined ? {} : { live }),
      };
      output.text(formatVerified(view, output.paint));
      const { path } = opened.artifact;
      const how = { restored: true, by: "dr:snapshot:verify" };
      const kind = "contracts";
      await noteProof(hre.config.dr, { kind, path, how }, output);
      return { json: verifiedToJson(view), exitCode: EXIT_CODES.done };
    });
  });

export default action;

async function recompile(
  opened: OpenedSnapshot,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<readonly Recompiled[]> {
  return await withBar(
    {
      title: "Compile",
      work: async ({ begin }) => {
        begin("with the compilers that it was built with", undefined);
        return await recompileSnapshot(opened, compilerOf(hre));
      },
      tell: (all) => `${count(all.length, "contract")} to the same`,
    },
    output,
  );
}

async function compare(
  opened: OpenedSnapshot,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<Comparison> {
  return await withBar(
    {
      title: "Compare",
      work: async ({ begin }) => {
        begin("reading the chain", undefined);
        return await compareWithChain(opened, (await connect(hre)).ports.rpc);
      },
      tell: ({ block }) => `with block ${String(block.number)}`,
    },
    output,
  );
}
