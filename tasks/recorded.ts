import type { NewTaskDefinition } from "hardhat/types/tasks";

/**
 * Tasks that only look. They aren't entered into an incident's timeline: a
 * monitor that asks once a minute would bury what was done. Those of incidents
 * enter what they do themselves. Whatever isn't named here is entered, a dry run
 * too: somebody weighed it.
 */
const ONLY_LOOKING: readonly string[] = [
  "dr:history",
  "dr:incident:ack",
  "dr:incident:close",
  "dr:incident:list",
  "dr:incident:note",
  "dr:incident:open",
  "dr:incident:report",
  "dr:offsite:list",
  "dr:readiness",
  "dr:runs",
  "dr:safe:check",
  "dr:safe:status",
  "dr:snapshot:verify",
  "dr:status",
  "dr:timelock:status",
];

/** A task whose runs are entered into every incident that is open then. */
export function recorded(definition: NewTaskDefinition): NewTaskDefinition {
  const id = definition.id.join(":");
  const { action: load } = definition;
  if (load === undefined || ONLY_LOOKING.includes(id)) {
    return definition;
  }
  return {
    ...definition,
    action: async () => {
      const [{ default: action }, { recordedRun }] = await Promise.all([
        load(),
        import("./actions/recorded-run.js"),
      ]);
      return { default: recordedRun(id, action) };
    },
  };
}
