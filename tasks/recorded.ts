import type { NewTaskDefinition } from "hardhat/types/tasks";

/**
 * Tasks that only look. They aren't entered into an incident's timeline: a
 * monitor that asks once a minute would bury what was done. Whatever isn't named
 * here is entered, a dry run too: somebody weighed it.
 */
const ONLY_LOOKING: readonly string[] = [
  "dr:history",
  "dr:offsite:list",
  "dr:readiness",
  "dr:runs",
  "dr:safe:check",
  "dr:safe:status",
  "dr:snapshot:verify",
  "dr:status",
  "dr:timelock:status",
];

/** They look after incidents themselves, or answer them, and enter what they do. */
const ABOUT_INCIDENTS = "dr:incident:";

/**
 * A task that looks after open incidents while it runs, and whose runs are
 * entered into every one of them.
 */
export function recorded(definition: NewTaskDefinition): NewTaskDefinition {
  const id = definition.id.join(":");
  const { action: load } = definition;
  if (load === undefined || id.startsWith(ABOUT_INCIDENTS)) {
    return definition;
  }
  return {
    ...definition,
    action: async () => {
      const [{ default: action }, { watchedRun }] = await Promise.all([
        load(),
        import("./actions/watched-run.js"),
      ]);
      if (ONLY_LOOKING.includes(id)) {
        return { default: watchedRun(action) };
      }
      const { recordedRun } = await import("./actions/recorded-run.js");
      return { default: watchedRun(recordedRun(id, action)) };
    },
  };
}
