import type { HardhatPlugin } from "hardhat/types/plugins";

import "./type-extensions.js";

const hardhatDr: HardhatPlugin = {
  id: "hardhat-dr",
  npmPackage: "hardhat-dr",
};

export default hardhatDr;
