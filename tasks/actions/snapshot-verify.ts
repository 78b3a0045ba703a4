import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatVerified, verifiedToJson } from "../../src/display/snapshot.js";
import { compareWithChain } from "../../src/snapshot/compare-with-chain.js";
import { withSnapshot } from "../../src/snapshot/open-snapshot.js";
import { recompileSnapshot } from "../../src/snapshot/recompile.js";
import { compilerOf } from "./compile-build.js";
import { findNamedSnapshot, openFound } from "./find-snapshot.js";
import { runTask } from "./output.js";
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
        ? await recompileSnapshot(opened, compilerOf(hre))
        : undefined;
      const live = args.live
        ? await compareWithChain(opened, (await connect(hre)).ports.rpc)
        : undefined;
      const view = {
        ...opened.artifact,
        snapshot: opened.snapshot,
        unreadable: found.unreadable,
        ...(recompiled === undefined ? {} : { recompiled }),
        ...(live === undefined ? {} : { live }),
      };
      output.text(formatVerified(view, output.paint));
      return { json: verifiedToJson(view), exitCode: EXIT_CODES.done };
    });
  });

export default action;
