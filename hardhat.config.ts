import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import hardhatMocha from "@nomicfoundation/hardhat-mocha";
import { defineConfig } from "hardhat/config";
import { createRequire } from "node:module";

import hardhatDr from "./src/index.js";

const solc = createRequire(import.meta.url).resolve("solc/soljson.js");

export default defineConfig({
  plugins: [hardhatEthers, hardhatMocha, hardhatDr],
  solidity: {
    compilers: [
      {
        version: "0.8.28",
        path: solc,
        settings: {
          evmVersion: "cancun",
          optimizer: { enabled: true, runs: 200 },
        },
      },
    ],
  },
  networks: {
    localhost: { type: "http", url: "http://127.0.0.1:8545" },
  },
  test: { mocha: { timeout: 60_000 } },
});
