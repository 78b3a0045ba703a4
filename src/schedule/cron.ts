import { join } from "node:path";

import {
  BUSY_STATUS,
  LOCK_SECONDS,
  pathOf,
  plainName,
  quoteForShell,
  scriptOf,
  type ScheduleContext,
  type ScheduleFile,
} from "./context.js";
import {
  environmentFile,
  formatEnvironmentExample,
} from "./environment-file.js";
import { IS_MONDAY, JOBS, toCron, type ScheduledJob } from "./jobs.js";
import { LATE_STATUS, WATCH, WATCH_CRON } from "./watch.js";

/**
 * A file for /etc/cron.d, and the script that it runs. That script is silent
 * when all is well; what it prints is mailed by cron.
 *
 * @param folder - Where they will be, absolute.
 */
export function cronFiles(
  context: ScheduleContext,
  folder: string,
): readonly ScheduleFile[] {
  const name = `hardhat-dr-${plainName(context.project)}`;
  const script = `${name}.sh`;
  return [
    { path: name, text: formatCrontab(context, name, join(folder, script)) },
    { path: script, text: formatScript(context) },
    { path: `${name}.env.example`, text: formatEnvironmentExample(context) },
  ];
}

function formatCrontab(
  context: ScheduleContext,
  name: string,
  script: string,
): string {
  const { project, user } = context;
  const toLine = (
    { title, name: job }: Pick<ScheduledJob, "title" | "name">,
    times: string,
    guard = "",
  ): string => {
    const command = `${guard}/bin/sh ${quoteForShell(script)} ${job}`;
    // A bare % is a new line to cron.
    return `# ${title}\n${times} ${user} ${command.replaceAll("%", "\\%")}`;
  };
  const lines = [
    ...JOBS.map((job) =>
      toLine(
        job,
        toCron(job.cadence),
        job.cadence.every === "month" ? `${IS_MONDAY} || exit 0; ` : "",
      ),
    ),
    toLine(WATCH, WATCH_CRON),
  ];
  return `# Disaster recovery of ${project}. Install: sudo install -m 644 ${name} /etc/cron.d/${name}
#
# Times are UTC. cronie honours CRON_TZ; Debian's cron takes no notice of it:
# there the machine's own time zone must be UTC (timedatectl set-timezone UTC).
CRON_TZ=UTC
SHELL=/bin/sh
PATH=${pathOf(context)}
# Whoever gets a mail when a job fails; it says whether it was refused (3) or failed.
MAILTO=${user}

${lines.join("\n\n")}
`;
}

function formatScript(context: ScheduleContext): string {
  const { project, root, paths } = context;
  const cases = [...JOBS, WATCH].map(
    (job) => `  ${job.name})
    run() (
${indentBy(scriptOf(job, context), 6)}
    )
    ;;`,
  );
  return `#!/bin/sh
# What cron runs for ${project}: one job by its name. One at a time; what it
# prints goes to a log, and only a failure is printed here, for cron to mail.
set -u
umask 077

job=\${1:-}
case $job in
${cases.join("\n")}
  *)
    echo "No job is called '$job'." >&2
    exit 64
    ;;
esac

environment=${quoteForShell(environmentFile(project))}
if [ -r "$environment" ]; then
  set -a
  # shellcheck source=/dev/null
  . "$environment"
  set +a
fi

cd ${quoteForShell(root)} || exit 1
logs=${quoteForShell(paths.logs)}
mkdir -p "$logs" || exit 1
log=$logs/schedule-$job.log
if [ "$job" = ${WATCH.name} ]; then
  # Beside the others: somebody is to be called while they run, too.
  exec 9>"$logs/.schedule-${WATCH.name}.lock"
  flock --nonblock 9 || exit 0
  : >"$log"
else
  exec 9>"$logs/.schedule.lock"
fi
if ! flock --timeout ${String(LOCK_SECONDS)} 9; then
  echo "$job: another job has been running for more than ${String(LOCK_SECONDS / 3600)} h; this one wasn't run."
  exit ${String(BUSY_STATUS)}
fi

date -u '+=== %Y-%m-%dT%H:%M:%SZ begins' >>"$log"
run >>"$log" 2>&1 9>&-
status=$?
date -u "+=== %Y-%m-%dT%H:%M:%SZ ends with $status" >>"$log"
# Who is late was told.
[ "$job $status" != '${WATCH.name} ${String(LATE_STATUS)}' ] || exit 0

case $status in
  0) exit 0 ;;
  1) what='failed' ;;
  3) what='was refused before anything was changed' ;;
  4) what='waits, and must be resumed' ;;
  5) what='stopped part-way' ;;
  *) what='ended unexpectedly' ;;
esac
echo "$job of ${project} $what (exit code $status). The end of $log:"
echo
tail -n 40 "$log"
exit "$status"
`;
}

function indentBy(text: string, spaces: number): string {
  return text.replaceAll(/^/gm, " ".repeat(spaces));
}
