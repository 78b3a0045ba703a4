import { defineScenario } from "../scenario.js";

export default defineScenario({
  name: "database-corruption",
  title: "Database corruption",
  objective: "database",
  needs: ["database"],
  // In this order: a database may have a single table.
  inject: [{ kind: "corrupt-rows" }, { kind: "drop-table" }],
  recover: [{ task: "dr:db:restore" }],
});
