import { configVariable, defineConfig } from "hardhat/config";
import hardhatDr from "hardhat-dr";

export default defineConfig({
  plugins: [hardhatDr],
  networks: { live: { type: "http", url: configVariable("LIVE_URL") } },
});
