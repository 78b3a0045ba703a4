import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { CreateSimulation } from "../../src/rehearsal/fork.js";

/** Makes simulated networks that behave as the chain type of a network does. */
export function simulationOf(
  { config, network }: HardhatRuntimeEnvironment,
  { chainType }: { readonly chainType?: string | undefined },
): CreateSimulation {
  const simulated = Object.keys(config.networks).filter(
    (name) => config.networks[name]?.type === "edr-simulated",
  );
  const [first = "default"] = simulated;
  const name = simulated.includes("default") ? "default" : first;
  return async (override) =>
    await network.create({
      network: name,
      ...(chainType === undefined ? {} : { chainType }),
      override,
    });
}
