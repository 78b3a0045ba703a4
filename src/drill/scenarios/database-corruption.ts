import { defineScenario } from "../scenario.js";

export default defineScenario({
  name: "database-corruption",
  title: "Database corruption",
  objective: "database",
  needs: ["database"],
  inject: [{ kind: "drop-table" }, { kind: "corrupt-rows" }],
  recover: [{ task: "dr:db:restore" }],
});
