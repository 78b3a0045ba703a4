import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { formatTimestamp } from "../artifact/name.js";
import { createNew } from "../core/create-new.js";
import { DrError } from "../core/errors.js";
import type { Address } from "../core/hex.js";
import { LogFile } from "../core/log-file.js";
import { pruneLocally } from "../backup/prune.js";
import { writing } from "../core/writing.js";
import type { DrConfig } from "../config/types.js";
import { acquireLock } from "../run/lock.js";
import { readChainState } from "../snapshot/read-state.js";
import { openSession, type SessionSource } from "../session/open-session.js";
import { readDeployFile } from "../deployments/read.js";
import {
  chooseAbsent,
  findIrreplaceable,
  findPresent,
  without,
} from "./absence.js";
import { makeBaseline, type Baseline } from "./baseline.js";
import { CheckBook, type CheckPlace } from "./check-book.js";
import { describeMade, removeAll, removeLeftBehind } from "./clean-up.js";
import { countTests, findIssues, judge } from "./conclude.js";
import { findConfigured, type Configured } from "./configured.js";
import { MadeRecord } from "./made.js";
import { createMark, markFolder, type Mark } from "./mark.js";
import { measureNone } from "./measurement.js";
import type { DrillPorts } from "./ports.js";
import { createRandom } from "./random.js";
import {
  DRILL_INTERVAL_DAYS,
  type AbsenceReport,
  type CheckReport,
  type ContractReport,
  type DrillReport,
  type ScenarioReport,
} from "./report.js";
import { runScenario } from "./run-scenario.js";
import { measureRetention } from "./retention.js";
import type { Scenario } from "./scenario.js";
import { round, Stopwatch } from "./stopwatch.js";
import { validate, validateDocuments } from "./validation.js";

export interface DrillOptions {
  readonly scenarios: readonly Scenario[];
  /** A whole number from 0 up to 2³². */
  readonly seed: number;
}

/** Where drills' logs and reports lie. */
export function reportsFolder({ paths }: Pick<DrConfig, "paths">): string {
  return join(paths.logs, "dr-drills");
}

const DAY_MS = 86_400_000;

/** Of this machine's clock against the one that nobody sets. */
const TOLERATED_SHIFT_SECONDS = 2;

/**
 * Runs a drill: everything it breaks it has made itself, and everything it made
 * is gone afterwards but its log.
 *
 * @returns the report; who asked writes it.
 * @throws {DrError} RUN_LOCKED, NOT_WRITABLE before anything is done;
 * DRILL_INTERRUPTED after what was made is removed.
 */
export async function runDrill(
  options: DrillOptions,
  ports: DrillPorts,
): Promise<DrillReport> {
  const { clock, source } = ports;
  const folder = reportsFolder(source.config);
  const lock = await acquireLock(folder, clock);
  try {
    const begun = await begin(folder, ports);
    const report = await new Drill(options, begun, folder).run();
    await begun.log.finish();
    return report;
  } finally {
    await lock.release();
  }
}

interface Begun {
  readonly ports: DrillPorts;
  readonly mark: Mark;
  readonly startedAt: Date;
  readonly log: LogFile;
}

/** Its name is that of the second in which it began, or of the next that no other has. */
async function begin(folder: string, ports: DrillPorts): Promise<Begun> {
  const startedAt = ports.clock.now();
  for (let time = startedAt.getTime(); ; time += 1000) {
    const stamp = formatTimestamp(new Date(time));
    const path = join(folder, `dr_drill_${stamp}.log`);
    if (await createNew(path)) {
      const log = new LogFile(path, ports.clock);
      const progress = (line: string) => {
        log.add(line);
        ports.progress(line);
      };
      const mark = createMark(`DR_DRILL_${stamp}`);
      return { ports: { ...ports, progress }, mark, startedAt, log };
    }
  }
}

/** One drill under way. */
class Drill {
  readonly #options: DrillOptions;
  readonly #begun: Begun;
  readonly #folder: string;
  readonly #watch: Stopwatch;
  readonly #book: CheckBook;
  readonly #warnings: string[] = [];

  constructor(options: DrillOptions, begun: Begun, folder: string) {
    this.#options = options;
    this.#begun = begun;
    this.#folder = folder;
    const { monotonicMs, progress } = begun.ports;
    this.#watch = new Stopwatch(monotonicMs);
    this.#book = new CheckBook(monotonicMs, progress);
  }

  async run(): Promise<DrillReport> {
    const { ports, mark } = this.#begun;
    const { source, progress } = ports;
    const { seed } = this.#options;
    progress(`${mark.drillId}, seed ${String(seed)}`);
    this.#warnings.push(
      ...(await removeLeftBehind(this.#folder, source.config, progress)),
    );
    const record = await MadeRecord.open(this.#folder, mark);
    const home = join(
      source.config.paths.backups,
      `.${mark.drillId.toLowerCase()}_${mark.token.slice(0, 8)}`,
    );
    const found: Drilled = { absent: null, scenarios: [], contracts: [] };
    try {
      await record.add({ kind: "folder", path: home });
      await writing(home, async () => {
        await mkdir(home, { recursive: true, mode: 0o700 });
      });
      await markFolder(home, mark);
      Object.assign(found, await this.#drill(home, record));
    } finally {
      await this.#cleanUp(record);
    }
    ports.signal.throwIfAborted();
    return this.#report(found);
  }

  async #drill(home: string, record: MadeRecord): Promise<Drilled> {
    const { ports, mark } = this.#begun;
    const configured = await findConfigured(ports.source);
    const random = createRandom(this.#options.seed);
    await this.#watch.during("validation", null, async () => {
      await validate({
        ports,
        source: ports.source,
        configured,
        disk: home,
        book: this.#book,
      });
    });
    ports.signal.throwIfAborted();
    const absent = await this.#chooseAbsent(random);
    const source = await without(ports.source, absent);
    const scene = { ports, source, home, mark, record, random, configured };
    const [book, watch] = [this.#book, this.#watch];
    const baseline = await watch.during(
      "baseline",
      null,
      async () => await makeBaseline({ ...scene, book, watch }),
    );
    const absentSigners =
      absent?.kind === "signer" ? [absent.name as Address] : [];
    const scenarios: ScenarioReport[] = [];
    for (const scenario of this.#options.scenarios) {
      ports.signal.throwIfAborted();
      scenarios.push(
        await runScenario(
          {
            ...scene,
            book,
            watch,
            absentSigners,
            baseline,
            home: join(home, scenario.name),
          },
          scenario,
        ),
      );
    }
    await watch.during("proof", null, async () => {
      await this.#proveRest(source, baseline);
    });
    const contracts = await this.#readContracts(source, configured);
    return { absent, baseline, scenarios, contracts };
  }

  /** Whoever can't be asked about is there. */
  async #chooseAbsent(
    random: ReturnType<typeof createRandom>,
  ): Promise<AbsenceReport | null> {
    const { source, progress } = this.#begun.ports;
    try {
      const present = await findPresent(source);
      this.#warnings.push(...findIrreplaceable(present));
      const absent = chooseAbsent(present, random);
      if (absent !== null) {
        progress(`Absent from this drill: ${absent.kind} ${absent.name}`);
      }
      return absent;
    } catch (error) {
      if (!(error instanceof DrError)) {
        throw error;
      }
      this.#warnings.push(`Nobody is absent from this drill: ${error.message}`);
      return null;
    }
  }

  /** What doesn't depend on a scenario. */
  async #proveRest(
    source: SessionSource,
    { config, backups }: Baseline,
  ): Promise<void> {
    const { ports, mark } = this.#begun;
    const place: CheckPlace = { phase: "proof", scenario: null };
    const check = {
      id: "retention",
      title:
        "Retention removes what is too old, and never the last backup of a kind",
      critical: true,
    };
    if (backups.length === 0) {
      this.#book.skip(place, check, "There is no backup.");
    } else {
      await this.#book.run(place, {
        ...check,
        measure: async () =>
          await measureRetention({
            config,
            mark,
            backups,
            clock: ports.clock,
            tool: `hardhat-dr ${ports.toolVersion}`,
            prune: pruneLocally,
          }),
      });
    }
    await validateDocuments({ source, book: this.#book }, place);
  }

  /** As the chain has them: what the proof is about. */
  async #readContracts(
    source: SessionSource,
    { contracts: isConfigured }: Configured,
  ): Promise<readonly ContractReport[]> {
    const isDrilled = this.#book.checks.some(
      ({ id, status }) =>
        id === "baseline/contracts-backup" && status === "passed",
    );
    if (!isConfigured || !isDrilled) {
      return [];
    }
    const { ports } = await openSession(source);
    const path = `${ports.folder}/deploy.json`;
    const { file } = await readDeployFile(path);
    const { contracts } = await readChainState(ports.rpc, file, {}, path);
    return Object.entries(contracts).flatMap(([name, state]) =>
      state.kind === "missing" || state.codeHash === null
        ? []
        : [
            {
              name,
              proxy: state.proxy,
              chainId: file.chainId,
              implementation: state.implementation,
              codeHash: state.codeHash,
              pauseAuthority: state.pauseAuthority,
              upgradeAuthority: state.upgradeAuthority,
            },
          ],
    );
  }

  async #cleanUp(record: MadeRecord): Promise<void> {
    const { ports, mark } = this.#begun;
    const { config } = ports.source;
    await this.#watch.during("summary", null, async () => {
      await this.#book.run(
        { phase: "summary", scenario: null },
        {
          id: "cleaned-up",
          title: "All that the drill made is gone",
          critical: false,
          measure: async () => {
            const problems = await removeAll(
              record.made.toReversed(),
              mark,
              config,
              async (made) => {
                await record.remove(made);
                ports.progress(`Removed ${describeMade(made)}`);
              },
            );
            this.#warnings.push(...problems);
            return measureNone(problems, "nothing is left", "nothing");
          },
        },
      );
    });
  }

  #report({ absent, baseline, scenarios, contracts }: Drilled): DrillReport {
    const { ports, mark, startedAt, log } = this.#begun;
    const { source, toolVersion, commit, clock } = ports;
    const { checks } = this.#book;
    const { seconds } = this.#watch;
    const endedAt = new Date(startedAt.getTime() + seconds * 1000);
    const shift = (clock.now().getTime() - endedAt.getTime()) / 1000;
    if (Math.abs(shift) > TOLERATED_SHIFT_SECONDS) {
      const way = shift < 0 ? "back" : "forward";
      this.#warnings.push(
        `This machine's clock was set ${way} by ${Math.abs(shift).toFixed(0)} s meanwhile; times of day are counted from the drill's start.`,
      );
    }
    const tests = countTests(checks);
    const failed = new Set(
      checks
        .filter(({ status }) => status === "failed")
        .map(({ phase }) => phase),
    );
    const due = startedAt.getTime() + DRILL_INTERVAL_DAYS * DAY_MS;
    return {
      schemaVersion: 1,
      toolVersion,
      drillId: mark.drillId,
      project: source.config.project,
      network: source.networkName,
      commit,
      startedAt: startedAt.toISOString(),
      endedAt: endedAt.toISOString(),
      durationSeconds: round(seconds),
      status: judge({ tests, checks, scenarios }),
      seed: this.#options.seed,
      absent,
      tests,
      phases: this.#watch.report(failed),
      scenarios,
      checks: checks satisfies readonly CheckReport[],
      backups: (baseline?.backups ?? []).map(
        ({ kind, name, sha256, sizeBytes, seconds: took }) => ({
          kind,
          name,
          sha256,
          sizeBytes,
          seconds: took,
        }),
      ),
      contracts,
      databaseSchema: baseline?.fingerprint?.schema ?? null,
      issues: findIssues(checks, scenarios, this.#warnings),
      nextDue: new Date(due).toISOString(),
      logFile: log.path,
    };
  }
}

interface Drilled {
  readonly absent: AbsenceReport | null;
  readonly baseline?: Baseline;
  readonly scenarios: readonly ScenarioReport[];
  readonly contracts: readonly ContractReport[];
}
