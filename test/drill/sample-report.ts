import type { CheckReport, DrillReport } from "../../src/drill/report.js";

const CHECK: CheckReport = {
  id: "database-corruption/same-database",
  phase: "proof",
  scenario: "database-corruption",
  title: "The database is what it was before",
  critical: true,
  status: "passed",
  measured: "2 tables with 84 rows, by the hash of their contents",
  expected: "the same as before",
  reason: null,
  seconds: 0.042,
};

export function sampleCheck(values: Partial<CheckReport> = {}): CheckReport {
  return { ...CHECK, ...values };
}

/** A drill of two scenarios that passed. */
export function sampleReport(values: Partial<DrillReport> = {}): DrillReport {
  const objective = (measuredSeconds: number, objectiveSeconds: number) => ({
    measuredSeconds,
    objectiveSeconds,
    isMet: measuredSeconds <= objectiveSeconds,
  });
  return {
    schemaVersion: 1,
    toolVersion: "1.2.3",
    drillId: "DR_DRILL_20240115_140000",
    project: "takumi",
    network: "mainnet",
    commit: "0123456789abcdef0123456789abcdef01234567",
    startedAt: "2024-01-15T14:00:00.000Z",
    endedAt: "2024-01-15T14:00:20.000Z",
    durationSeconds: 20,
    status: "PASSED",
    seed: 7,
    absent: null,
    tests: { total: 1, passed: 1, failed: 0, skipped: 0, successRate: 100 },
    phases: [
      ["validation", "Pre-drill validation", 0, 2],
      ["baseline", "Baseline backups", 2, 4],
      ["failure", "Failure injection", 7, 3],
      ["recovery", "Recovery", 10, 6],
      ["proof", "Post-recovery validation", 16, 2],
      ["summary", "Summary and report", 19, 0.5],
    ].map(([name, title, startSeconds, seconds], index) => ({
      number: index + 1,
      name: name as "validation",
      title: String(title),
      status: "passed",
      startSeconds: Number(startSeconds),
      seconds: Number(seconds),
      parts: [
        {
          scenario: index > 1 && index < 5 ? "database-corruption" : null,
          startSeconds: Number(startSeconds),
          seconds: Number(seconds),
        },
      ],
    })),
    scenarios: [
      {
        name: "database-corruption",
        title: "Database corruption",
        status: "passed",
        reason: null,
        objective: "database",
        rto: objective(8, 1800),
        rpo: objective(5, 86_400),
        injections: ["dropped public.profiles"],
        recoveries: [
          {
            task: "dr:db:restore",
            status: "done",
            seconds: 6,
            from: "takumi_db_20240115_140002.sql.zst.enc",
          },
        ],
      },
    ],
    checks: [sampleCheck()],
    backups: [
      {
        kind: "database",
        name: "takumi_db_20240115_140002.sql.zst.enc",
        sha256: "ab".repeat(32),
        sizeBytes: 123_456,
        seconds: 2,
      },
    ],
    contracts: [],
    databaseSchema: "cd".repeat(32),
    issues: [],
    nextDue: "2024-04-14T14:00:00.000Z",
    logFile: "/project/logs/dr-drills/dr_drill_20240115_140000.log",
    ...values,
  };
}
