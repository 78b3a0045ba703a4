import { defineScenario } from "../scenario.js";

export default defineScenario({
  name: "complete-loss",
  title: "Complete loss, restored from offsite",
  objective: "database",
  needs: ["offsite", "backups", "service"],
  optional: ["database", "deployments", "files"],
  inject: [
    { kind: "kill-service" },
    { kind: "lose-database" },
    { kind: "lose-deployments" },
    { kind: "lose-files" },
    { kind: "damage-backups" },
    { kind: "lose-backups" },
    { kind: "offsite-unavailable" },
  ],
  recover: [
    { task: "dr:offsite:restore", what: "database" },
    { task: "dr:offsite:restore", what: "contracts" },
    { task: "dr:offsite:restore", what: "files" },
    { task: "start-service" },
  ],
});
