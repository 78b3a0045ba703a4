import { configVariable, defineConfig } from "hardhat/config";
import hardhatDr from "hardhat-dr";

export default defineConfig({
  plugins: [hardhatDr],
  networks: { live: { type: "http", url: configVariable("LIVE_URL") } },
  dr: {
    verify: {
      SkillProfile: async ({ contract }) =>
        (await contract.read("function paused() view returns (bool)")) === true,
    },
  },
});
