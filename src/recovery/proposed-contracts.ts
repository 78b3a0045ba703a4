import type { BlockReader } from "../chain/block-reader.js";
import { readDeployFile } from "../deployments/read.js";
import { findContract } from "../deployments/select.js";
import { readPaused } from "../proxy/getters.js";
import { inspectProxy } from "../proxy/inspect.js";
import type { ProposedContract } from "../safe/proposal.js";

/**
 * How contracts stand when something is proposed for them, so that whoever
 * executes it later sees whether they still stand so.
 *
 * @param folder - `deployments/<network>`.
 */
export async function describeContracts(
  folder: string,
  reader: BlockReader,
  names: readonly string[],
): Promise<readonly ProposedContract[]> {
  const { file } = await readDeployFile(`${folder}/deploy.json`);
  return await Promise.all(
    names.map(async (name) => {
      const { proxy } = findContract(file, name);
      const [state, paused] = await Promise.all([
        inspectProxy(reader, proxy),
        readPaused(reader, proxy),
      ]);
      return {
        name,
        proxy,
        ...(state === undefined
          ? {}
          : { implementation: state.implementation }),
        ...(state?.admin === undefined ? {} : { admin: state.admin }),
        ...(paused === undefined ? {} : { paused }),
      };
    }),
  );
}
