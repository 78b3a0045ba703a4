import { readdir, readFile, writeFile, mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { DrUserConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { runDrill } from "../../src/drill/drill.js";
import type { DrillPorts } from "../../src/drill/ports.js";
import type { DrillReport } from "../../src/drill/report.js";
import type { Scenario } from "../../src/drill/scenario.js";
import type { ReportFiles } from "../../src/drill/write-report.js";
import { recoveryTasks } from "../../tasks/actions/drill-tasks.js";
import { simulationOf } from "../../tasks/actions/simulation.js";
import { deployPlatform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { openProject } from "../tasks/project.js";

export interface DrillJson extends DrillReport {
  readonly files: ReportFiles;
  readonly error?: { readonly code: string; readonly message: string };
  readonly made?: readonly string[];
}

/** A project with the sample platform on an embedded chain. */
export class DrillProject {
  readonly hre: HardhatRuntimeEnvironment;
  readonly root: string;

  private constructor(hre: HardhatRuntimeEnvironment, root: string) {
    this.hre = hre;
    this.root = root;
  }

  static async open(
    root: string,
    dr: DrUserConfig = {},
  ): Promise<DrillProject> {
    const hre = await openProject(root, { dr: { project: "takumi", ...dr } });
    return new DrillProject(hre, root);
  }

  async deploy(): Promise<void> {
    const connection = await this.hre.network.getOrCreate();
    const platform = await deployPlatform(connection);
    await connection.dr.init(platformProxies(platform));
  }

  async write(path: string, text: string): Promise<void> {
    const file = join(this.root, path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, text);
  }

  async drill(
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<DrillJson> {
    process.exitCode = undefined;
    return (await this.hre.tasks
      .getTask("dr:drill")
      .run({ json: true, ...options })) as DrillJson;
  }

  /** The drill itself, with scenarios and ports of the test's own. */
  async run(
    scenarios: readonly Scenario[],
    ports: Partial<DrillPorts> = {},
    seed = 1,
  ): Promise<DrillReport> {
    const { networkName, networkConfig, provider } =
      await this.hre.network.getOrCreate();
    return await runDrill(
      { scenarios, seed },
      {
        source: {
          networkName,
          networkConfig,
          provider,
          artifacts: this.hre.artifacts,
          config: this.hre.config.dr,
          root: this.root,
        },
        createSimulation: simulationOf(this.hre, networkConfig),
        tasks: recoveryTasks(this.hre),
        clock: systemClock,
        monotonicMs: () => performance.now(),
        toolVersion: "1.2.3",
        commit: null,
        signal: new AbortController().signal,
        progress: () => undefined,
        ...ports,
      },
    );
  }

  get reports(): string {
    return join(this.root, "logs/dr-drills");
  }

  /** What a drill may have left beside its reports. */
  async left(): Promise<readonly string[]> {
    const places = [this.reports, join(this.root, "backups")];
    const names = await Promise.all(
      places.map(
        async (place) => await readdir(place).catch((): string[] => []),
      ),
    );
    return names
      .flat()
      .filter((name) => name.startsWith(".") && name !== ".lock");
  }

  async log({ logFile }: Pick<DrillReport, "logFile">): Promise<string> {
    return await readFile(logFile, "utf8");
  }
}

/** By their ids. */
export function checksOf(
  report: DrillReport,
  status: "passed" | "failed" | "skipped",
): string[] {
  return report.checks
    .filter((check) => check.status === status)
    .map(({ id }) => id);
}

/** The smallest disaster there is: a folder of files is gone. */
export function lostFiles(values: Partial<Scenario> = {}): Scenario {
  return {
    name: "lost-files",
    title: "Files are lost",
    objective: "database",
    needs: ["files", "offsite", "backups"],
    inject: [{ kind: "lose-files" }],
    recover: [{ task: "dr:offsite:restore", what: "files" }],
    ...values,
  };
}
