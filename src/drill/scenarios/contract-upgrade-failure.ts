import { defineScenario } from "../scenario.js";

export default defineScenario({
  name: "contract-upgrade-failure",
  title: "Contract upgrade failure",
  objective: "contracts",
  needs: ["contracts"],
  inject: [{ kind: "bad-upgrade" }],
  recover: [{ task: "dr:rollback" }],
});
