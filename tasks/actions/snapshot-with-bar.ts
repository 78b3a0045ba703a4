import { snapshotContracts } from "../../src/session/snapshot.js";
import type { Output } from "./output.js";
import { withBar } from "./progress.js";

/** Takes a snapshot of the contracts, telling how far that is. */
export async function snapshotWithBar(
  ports: Parameters<typeof snapshotContracts>[0],
  config: Parameters<typeof snapshotContracts>[1],
  output: Output,
): ReturnType<typeof snapshotContracts> {
  return await withBar(
    {
      title: "contracts",
      work: async (meter) => await snapshotContracts(ports, config, { meter }),
      tell: ({ manifest }) => manifest.artifact,
    },
    output,
  );
}
