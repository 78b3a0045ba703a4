/** Drills in a project that is there, and ends itself when a line of progress says so. */
import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";

import hardhatDr, { type DrUserConfig } from "../../src/index.js";

const [root = "", dr = "{}", line = "", signal = "SIGKILL"] =
  process.argv.slice(2);

process.stderr.write = (text: string | Uint8Array) => {
  if (String(text).includes(line)) {
    process.kill(process.pid, signal);
  }
  return true;
};

const hre = await createHardhatRuntimeEnvironment(
  {
    plugins: [hardhatEthers, hardhatDr],
    dr: JSON.parse(dr) as DrUserConfig,
  },
  {},
  root,
);
await hre.tasks.getTask("dr:drill").run({ json: true });
