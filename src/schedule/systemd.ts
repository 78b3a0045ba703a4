import {
  BUSY_STATUS,
  LOCK_SECONDS,
  isInProject,
  pathOf,
  plainName,
  scriptOf,
  type ScheduleContext,
  type ScheduleFile,
} from "./context.js";
import {
  environmentFile,
  formatEnvironmentExample,
} from "./environment-file.js";
import { JOBS, toCalendar, type ScheduledJob } from "./jobs.js";
import { LATE_STATUS, WATCH, WATCH_CALENDAR } from "./watch.js";

/** A service and a timer for each job. */
export function systemdFiles(
  context: ScheduleContext,
): readonly ScheduleFile[] {
  const name = `hardhat-dr-${plainName(context.project)}`;
  const units = [
    ...JOBS.map((job) => ({ job, calendar: toCalendar(job.cadence) })),
    { job: WATCH, calendar: WATCH_CALENDAR },
  ];
  return [
    ...units.flatMap(({ job, calendar }) => [
      {
        path: `${name}-${job.name}.service`,
        text: formatService(job, context),
      },
      {
        path: `${name}-${job.name}.timer`,
        text: formatTimer(job, calendar, context),
      },
    ]),
    { path: `${name}.env.example`, text: formatEnvironmentExample(context) },
  ];
}

/** V8 writes code and runs it: MemoryDenyWriteExecute would end Node. */
function formatService(
  job: Omit<ScheduledJob, "cadence">,
  context: ScheduleContext,
): string {
  const { project, root, paths, user } = context;
  const script = scriptOf(job, context).replaceAll("\n", "; ");
  const writable = [root, paths.backups, paths.logs].filter(
    (path) => path === root || !isInProject(root, path),
  );
  const cache = "%C/hardhat-dr";
  return `[Unit]
Description=${escapeSpecifiers(`${project}: ${job.title}`)}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User=${user}
WorkingDirectory=${escapeSpecifiers(root)}
EnvironmentFile=-${environmentFile(project)}
Environment=${quoteWord(`PATH=${pathOf(context)}`)}
Environment=XDG_CACHE_HOME=${cache} XDG_CONFIG_HOME=${cache} XDG_DATA_HOME=${cache}
CacheDirectory=hardhat-dr
CacheDirectoryMode=0700
${job === WATCH ? formatWatchStart(script) : formatStart(script, context)}
# Told to end, a task stops at a safe point.
TimeoutStartSec=4h
TimeoutStopSec=5min
UMask=0077
Nice=10
IOSchedulingPriority=7
CapabilityBoundingSet=
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=${writable.map(quoteWord).join(" ")}
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
`;
}

function formatStart(
  script: string,
  { project }: Pick<ScheduleContext, "project">,
): string {
  return `# One job at a time, whichever timer began it.
ExecStart=/usr/bin/flock --timeout ${String(LOCK_SECONDS)} --conflict-exit-code ${String(BUSY_STATUS)} %C/hardhat-dr/${plainName(project)}.lock /bin/sh -c ${quoteArgument(script)}`;
}

function formatWatchStart(script: string): string {
  return `# Beside the others: somebody is to be called while they run, too.
ExecStart=/bin/sh -c ${quoteArgument(script)}
# Who is late was told.
SuccessExitStatus=${String(LATE_STATUS)}`;
}

function formatTimer(
  { title }: Pick<ScheduledJob, "title">,
  calendar: string,
  { project }: ScheduleContext,
): string {
  return `[Unit]
Description=${escapeSpecifiers(`${project}: ${title}`)}

[Timer]
OnCalendar=${calendar}
# One that was missed, because the machine was off, is made up for.
Persistent=true
AccuracySec=1min

[Install]
WantedBy=timers.target
`;
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll("%", "%%");
}

function quoteWord(text: string): string {
  return `"${escapeSpecifiers(text).replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Of a command line, where systemd would put in variables too. */
function quoteArgument(text: string): string {
  return quoteWord(text.replaceAll("$", "$$$$"));
}
