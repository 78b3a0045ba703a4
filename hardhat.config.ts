import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import hardhatMocha from "@nomicfoundation/hardhat-mocha";
import { defineConfig } from "hardhat/config";
import { createRequire } from "node:module";

import testTask from "./scripts/test-task.js";
import hardhatDr from "./src/index.js";

const solc = createRequire(import.meta.url).resolve("solc/soljson.js");

/** OpenZeppelin's own proxies and governance, of both major versions, for the sample platform and the tests. */
const openZeppelinFiles = [
  "@openzeppelin/contracts/access/manager/AccessManager.sol",
  "@openzeppelin/contracts/governance/TimelockController.sol",
  "@openzeppelin/contracts/proxy/beacon/BeaconProxy.sol",
  "@openzeppelin/contracts/proxy/beacon/UpgradeableBeacon.sol",
  "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol",
  "@openzeppelin/contracts/proxy/transparent/ProxyAdmin.sol",
  "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol",
  "@openzeppelin/contracts-v4/governance/TimelockController.sol",
  "@openzeppelin/contracts-v4/proxy/ERC1967/ERC1967Proxy.sol",
  "@openzeppelin/contracts-v4/proxy/transparent/ProxyAdmin.sol",
  "@openzeppelin/contracts-v4/proxy/transparent/TransparentUpgradeableProxy.sol",
];

export default defineConfig({
  plugins: [hardhatEthers, hardhatMocha, hardhatDr],
  tasks: [testTask],
  solidity: {
    compilers: [
      {
        version: "0.8.28",
        path: solc,
        settings: {
          evmVersion: "cancun",
          optimizer: { enabled: true, runs: 200 },
          outputSelection: { "*": { "*": ["storageLayout"] } },
        },
      },
    ],
    npmFilesToBuild: openZeppelinFiles,
  },
  networks: {
    localhost: { type: "http", url: "http://127.0.0.1:8545" },
  },
  test: { mocha: { timeout: 60_000 } },
});
