import { plainName, type ScheduleContext } from "./context.js";

/** Where a machine keeps a project's variables, for root and its user alone. */
export function environmentFile(project: string): string {
  return `/etc/hardhat-dr/${plainName(project)}.env`;
}

/** That file without its secrets: for a shell and for systemd alike. */
export function formatEnvironmentExample({
  project,
  user,
  needed: { secrets, settings, files, trialServer },
}: ScheduleContext): string {
  const variables = files.flatMap(({ variable }) => variable ?? []);
  return `# What the scheduled tasks of ${project} need. Fill it in, then:
#   sudo install -D -m 600 -o ${user} THIS_FILE ${environmentFile(project)}

# Secrets
${linesOf(secrets)}
# Files with secrets, mode 600
${linesOf(variables)}
# A server to restore on trial, where it isn't the database's own
${linesOf(trialServer === undefined ? [] : [trialServer])}
# Settings
${Object.entries(settings)
  .map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\$\`]/g, "\\$&")}"\n`,
  )
  .join("")}`;
}

function linesOf(names: readonly string[]): string {
  return names.map((name) => `${name}=\n`).join("");
}
