import hre from "hardhat";

import type { CreateSimulation } from "../../src/rehearsal/fork.js";

/** Simulated networks as the tasks make them. */
export const createSimulation: CreateSimulation = async (override) =>
  await hre.network.create({ network: "default", override });
