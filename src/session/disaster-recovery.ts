import type { DrError } from "../core/errors.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import { writeDeployFile } from "../deployments/write.js";
import {
  readChangeResults,
  type ChangeResult,
} from "../recovery/change-result.js";
import {
  readPauseResults,
  type PauseResult,
} from "../recovery/pause-result.js";
import { rebuildPlan } from "../recovery/procedures.js";
import type { SafetyReport } from "../recovery/safety/safety-report.js";
import { readStatus, type Status } from "../recovery/status.js";
import type { TakenSnapshot } from "../snapshot/take-snapshot.js";
import { conductPlan, resumeRun, type ConductedRun } from "../run/conduct.js";
import { findRun } from "../run/list-runs.js";
import type { Plan } from "../run/plan.js";
import {
  openSession,
  type Session,
  type SessionOptions,
  type SessionSource,
} from "./open-session.js";
import { prepareInit } from "./prepare-init.js";
import {
  preparePause,
  prepareRollback,
  prepareUpgrade,
  readProxyAddresses,
  type Selection,
} from "./procedure.js";
import { requireDone } from "./require-done.js";
import { snapshotContracts } from "./snapshot.js";
import { TOOL_VERSION } from "./tool-version.js";
import { withDeployments } from "./with-deployments.js";

export interface ContractsOption {
  /** By their names in deploy.json; default: all. */
  readonly contracts?: readonly string[];
}

export interface RollbackCall extends ContractsOption, SessionOptions {
  /** A version, an address, or `previous`, the default. */
  readonly to?: string;
  /** Pause first; default: true. */
  readonly pause?: boolean;
  readonly keepPaused?: boolean;
  /** Slots, decimal or hexadecimal, that may be misread afterwards. */
  readonly acceptStorageRisk?: readonly string[];
}

export interface UpgradeCall extends SessionOptions {
  readonly contract: string;
  /** A contract of the project, or an implementation's address. */
  readonly to: string;
  readonly constructorArguments?: readonly unknown[];
}

/** A finished run. */
export interface RunReport<Result> {
  /** Null when there was nothing to do. */
  readonly run: string | null;
  readonly contracts: readonly Result[];
}

/**
 * The tasks `dr:*` in code: `const { dr } = await hre.network.create()`. The
 * same plans, journals and checks; nothing asks, whoever calls has decided.
 * What the tasks end with another exit code is thrown here.
 */
export interface DisasterRecovery {
  /**
   * Writes deploy.json from the chain.
   *
   * @param proxies - By the names they shall have; default: those it has.
   */
  init(proxies?: Readonly<Record<string, string>>): Promise<DeployFile>;
  status(options?: ContractsOption): Promise<Status>;
  pause(
    options?: ContractsOption & SessionOptions,
  ): Promise<RunReport<PauseResult>>;
  unpause(
    options?: ContractsOption & SessionOptions,
  ): Promise<RunReport<PauseResult>>;
  rollback(options?: RollbackCall): Promise<
    RunReport<ChangeResult> & {
      readonly safety: Readonly<Record<string, SafetyReport>>;
    }
  >;
  upgrade(options: UpgradeCall): Promise<RunReport<ChangeResult>>;
  /** @returns the id of the run that was finished. */
  resume(run?: string, options?: SessionOptions): Promise<string>;
  /** Everything about the contracts at the latest block, as one archive. */
  snapshot(): Promise<TakenSnapshot>;
  /** The same, with deploy.json, runs and backups in another folder: a test's own. */
  withDeployments(folder: string): DisasterRecovery;
}

/** @param source - The connection to work on. */
export function createDisasterRecovery(
  source: SessionSource,
): DisasterRecovery {
  return {
    init: async (proxies = {}) => await initialize(source, proxies),
    status: async (options = {}) => {
      const { ports } = await openSession(source);
      return await readStatus(ports, options.contracts);
    },
    pause: async (options = {}) => await changePaused(source, true, options),
    unpause: async (options = {}) => await changePaused(source, false, options),
    rollback: async (options = {}) => {
      const session = await openSession(source, options);
      const { plan, resolution } = await prepareRollback(session, {
        ...selectionOf(options),
        ...(options.to === undefined ? {} : { to: options.to }),
        pause: options.pause ?? true,
        keepPaused: options.keepPaused ?? false,
        acceptedSlots: options.acceptStorageRisk ?? [],
      });
      const { run, records } = await finish(session, plan, options);
      const { intent, safety, refused } = resolution;
      throwFirst(refused);
      const contracts = await readChangeResults(session.ports, intent, records);
      return { run, contracts, safety };
    },
    upgrade: async ({ contract, to, constructorArguments, ...options }) => {
      const session = await openSession(source, options);
      const { plan, resolution } = await prepareUpgrade(session, {
        name: contract,
        to,
        constructorArguments: constructorArguments ?? [],
      });
      const { run, records } = await finish(session, plan, options);
      const { intent } = resolution;
      const contracts = await readChangeResults(session.ports, intent, records);
      return { run, contracts };
    },
    resume: async (wanted, options = {}) => {
      const session = await openSession(source, options);
      const { ports } = session;
      const run = await findRun(ports.folder, wanted);
      const conducted = await resumeRun(
        run,
        async (started) => await rebuildPlan(ports, started),
        runPorts(session, options),
      );
      return requireDone(conducted).run;
    },
    snapshot: async () => {
      const { ports } = await openSession(source);
      return await snapshotContracts(ports, source.config);
    },
    withDeployments: (folder) =>
      createDisasterRecovery(withDeployments(source, folder)),
  };
}

async function initialize(
  source: SessionSource,
  proxies: Readonly<Record<string, string>>,
): Promise<DeployFile> {
  const { plan, target } = await prepareInit(await openSession(source), {
    contracts: Object.entries(proxies).map(
      ([name, address]) => `${name}=${address}`,
    ),
  });
  if (plan.status !== "unchanged") {
    await writeDeployFile(target, plan.file);
  }
  return plan.file;
}

async function changePaused(
  source: SessionSource,
  paused: boolean,
  options: ContractsOption & SessionOptions,
): Promise<RunReport<PauseResult>> {
  const session = await openSession(source, options);
  const selection = selectionOf(options);
  const { plan, resolution } = await preparePause(session, {
    ...selection,
    paused,
  });
  const conducted =
    plan.steps.length === 0 ? undefined : await finish(session, plan, options);
  const proxies = await readProxyAddresses(session, selection);
  throwFirst(resolution.refused);
  const contracts = await readPauseResults(
    session.ports,
    resolution,
    conducted?.records ?? [],
    (name) => proxies.get(name) ?? "0x",
  );
  return { run: conducted?.run ?? null, contracts };
}

/** Those that could be done are done by now. */
function throwFirst(refused: readonly { readonly error: DrError }[]): void {
  const [first] = refused;
  if (first !== undefined) {
    throw first.error;
  }
}

function selectionOf({ contracts }: ContractsOption): Selection {
  return { names: contracts ?? [], all: contracts === undefined };
}

async function finish(
  session: Session,
  plan: Plan,
  options: SessionOptions,
): Promise<ConductedRun> {
  return requireDone(await conductPlan(plan, runPorts(session, options)));
}

function runPorts(
  { ports: { folder, clock } }: Session,
  { signal }: SessionOptions,
): Parameters<typeof conductPlan>[1] {
  return {
    folder,
    clock,
    toolVersion: TOOL_VERSION,
    ...(signal === undefined ? {} : { signal }),
  };
}
