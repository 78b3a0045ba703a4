import { spawnSync } from "node:child_process";

import { expect } from "chai";

import {
  JOBS,
  toCalendar,
  toCron,
  withoutMemory,
  type ScheduledJob,
} from "../../src/schedule/jobs.js";
import { requirePrograms } from "../helpers/programs.js";

describe("the times of scheduled jobs", () => {
  const year = Array.from(
    { length: 366 },
    (_, day) => new Date(Date.UTC(2028, 0, 1 + day)),
  );

  /** As cron reads it: with both days given, either will do. */
  function isDue(cron: string, at: Date): boolean {
    const [, , day, month, weekday] = cron.split(" ") as [
      string,
      string,
      string,
      string,
      string,
    ];
    const isDay = matches(day, at.getUTCDate());
    const isWeekday = matches(weekday, at.getUTCDay());
    return (
      matches(month, at.getUTCMonth() + 1) &&
      (day === "*" || weekday === "*" ? isDay && isWeekday : isDay || isWeekday)
    );
  }

  function matches(field: string, value: number): boolean {
    return field.split(",").some((part) => {
      const [from, to = from] = part.split("-");
      return part === "*" || (value >= Number(from) && value <= Number(to));
    });
  }

  /** When it is run in 2028, which has 366 days, the guard of the monthly ones included. */
  function datesOf({ cadence }: ScheduledJob): string[] {
    return year
      .filter(
        (at) =>
          isDue(toCron(cadence), at) &&
          (cadence.every !== "month" || at.getUTCDay() === 1),
      )
      .map((at) => {
        at.setUTCHours(cadence.hour);
        return at.toISOString().slice(0, 16);
      });
  }

  const job = (name: string) => JOBS.find((one) => one.name === name)!;

  it("are the runbook's", () => {
    expect(toCron(job("backup").cadence)).to.equal("0 2 * * *");
    expect(toCron(job("restore-test").cadence)).to.equal("0 2 1 1,4,7,10 *");
    expect(datesOf(job("restore-test"))).to.deep.equal([
      ...["2028-01-01T02:00", "2028-04-01T02:00", "2028-07-01T02:00"],
      "2028-10-01T02:00",
    ]);
    expect(datesOf(job("backup"))).to.have.length(366);
    expect(datesOf(job("full-restore"))).to.have.length(53);
  });

  it("are the first Monday of each month, once", () => {
    expect(datesOf(job("drill"))).to.deep.equal(
      [
        ...["01-03", "02-07", "03-06", "04-03", "05-01", "06-05", "07-03"],
        ...["08-07", "09-04", "10-02", "11-06", "12-04"],
      ].map((date) => `2028-${date}T05:00`),
    );
  });

  it("are the same to systemd as to cron", function () {
    requirePrograms(this, "systemd-analyze");
    for (const one of JOBS) {
      const dates = datesOf(one).slice(0, 15);
      const { stdout, status } = spawnSync(
        "systemd-analyze",
        [
          "calendar",
          "--base-time=2027-12-31 23:59:59 UTC",
          `--iterations=${String(dates.length)}`,
          toCalendar(one.cadence),
        ],
        { encoding: "utf8", env: { ...process.env, TZ: "UTC", LC_ALL: "C" } },
      );
      expect(status, one.name).to.equal(0);
      const elapses = stdout.matchAll(
        /(?:Next elapse|Iteration #\d+|Iter\. #\d+): \w+ (\S+) (\d\d:\d\d):00 UTC/g,
      );
      expect(
        [...elapses].map(([, date = "", time = ""]) => `${date}T${time}`),
        one.name,
      ).to.deep.equal(dates);
    }
  });

  it("leave nothing out where nothing stays from one job to the next", () => {
    const tasks = (jobs: readonly ScheduledJob[]) =>
      new Set(jobs.flatMap(({ commands }) => commands.map(([task]) => task)));
    expect(tasks(withoutMemory(JOBS))).to.deep.equal(tasks(JOBS));
    const [backup] = withoutMemory(JOBS);
    expect(backup!.commands.map(([task]) => task)).to.deep.equal([
      ...["dr:backup", "dr:offsite:replicate", "dr:db:verify"],
    ]);
  });
});
