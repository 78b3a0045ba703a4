import type { DrConfig, DrUserConfig } from "./config/types.js";
import type { DisasterRecovery } from "./session/disaster-recovery.js";

declare module "hardhat/types/config" {
  interface HardhatUserConfig {
    dr?: DrUserConfig;
  }

  interface HardhatConfig {
    dr: DrConfig;
  }
}

declare module "hardhat/types/network" {
  interface NetworkConnection<
    // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-redundant-type-constituents -- must match Hardhat's declaration
    ChainTypeT extends ChainType | string = DefaultChainType,
  > {
    /** The tasks `dr:*` in code, on this connection. */
    dr: DisasterRecovery;
  }
}
