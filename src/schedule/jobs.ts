/** How often something is done: on the hour, UTC. */
export interface Cadence {
  /**
   * A week's day is Sunday, a month's its first Monday, a quarter's the first
   * of January, April, July and October.
   */
  readonly every: "day" | "week" | "month" | "quarter";
  readonly hour: number;
}

/** Something that is done again and again, whoever sees to that. */
export interface ScheduledJob {
  /** For files and units. */
  readonly name: string;
  /** One line. */
  readonly title: string;
  readonly cadence: Cadence;
  /** Tasks with their options. All are run, whether one before failed or not. */
  readonly commands: readonly (readonly string[])[];
}

const BACKUP = ["dr:backup"];
const REPLICATE = ["dr:offsite:replicate", "--yes"];
const VERIFY = ["dr:db:verify"];
const LIST = ["dr:offsite:list"];

/** As the platform's runbook has it. */
export const JOBS: readonly ScheduledJob[] = [
  {
    name: "backup",
    title: "Back up the database, contracts, files and configuration",
    cadence: { every: "day", hour: 2 },
    commands: [BACKUP],
  },
  {
    name: "replication",
    title: "Replicate backups to all offsite targets",
    cadence: { every: "day", hour: 3 },
    commands: [REPLICATE],
  },
  {
    name: "verification",
    title: "Restore the newest backup on trial, and look for missing ones",
    cadence: { every: "day", hour: 4 },
    commands: [VERIFY, LIST],
  },
  {
    name: "full-restore",
    title: "Restore any backup of every offsite target on trial",
    cadence: { every: "week", hour: 6 },
    commands: [["dr:offsite:test", "--random"]],
  },
  {
    name: "drill",
    title: "Disaster recovery drill",
    cadence: { every: "month", hour: 5 },
    commands: [["dr:drill"]],
  },
  {
    name: "restore-test",
    title: "Quarterly restore test of every offsite target",
    cadence: { every: "quarter", hour: 2 },
    commands: [["dr:offsite:test"]],
  },
];

/**
 * The same where nothing stays from one job to the next, such as on a hosted
 * runner: what needs the backup that was just made comes right after it.
 */
export function withoutMemory(
  jobs: readonly ScheduledJob[],
): readonly ScheduledJob[] {
  return jobs.flatMap((job) => {
    switch (job.name) {
      case "backup":
        return [
          {
            ...job,
            title: `${job.title}; replicate and verify it`,
            commands: [BACKUP, REPLICATE, VERIFY],
          },
        ];
      case "replication":
        return [];
      case "verification":
        return [
          {
            ...job,
            title: "Look for backups that are missing or changed",
            commands: [LIST],
          },
        ];
      default:
        return [job];
    }
  });
}

/**
 * In the five fields of a crontab. It has no way to say "the first Monday": with
 * both a day of the month and one of the week, either will do. So a month's are
 * its first seven days, and whoever runs it looks whether it is Monday.
 */
export function toCron({ every, hour }: Cadence): string {
  const days = {
    day: "* * *",
    week: "* * 0",
    month: "1-7 * *",
    quarter: "1 1,4,7,10 *",
  };
  return `0 ${String(hour)} ${days[every]}`;
}

/** For a shell: fails on all days but Monday, of the days that {@link toCron} gives. */
export const IS_MONDAY = '[ "$(date -u +%u)" = 1 ]';

/** As systemd's `OnCalendar` wants it. */
export function toCalendar({ every, hour }: Cadence): string {
  const days = {
    day: "*-*-*",
    week: "Sun *-*-*",
    month: "Mon *-*-01..07",
    quarter: "*-01,04,07,10-01",
  };
  return `${days[every]} ${String(hour).padStart(2, "0")}:00:00 UTC`;
}
