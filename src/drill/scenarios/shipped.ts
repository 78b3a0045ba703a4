import type { Scenario } from "../scenario.js";
import completeLoss from "./complete-loss.js";
import contractUpgradeFailure from "./contract-upgrade-failure.js";
import databaseCorruption from "./database-corruption.js";

/** The scenarios that come with the plugin. */
export const SHIPPED: readonly Scenario[] = [
  databaseCorruption,
  contractUpgradeFailure,
  completeLoss,
];
