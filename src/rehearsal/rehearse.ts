import { permissionToJson } from "../authority/describe.js";
import { AuthorityGraph } from "../authority/graph.js";
import type { Json } from "../core/canonical-json.js";
import { BlockReader } from "../chain/block-reader.js";
import type { Rpc } from "../chain/rpc.js";
import { isDrError, messageOf, type DrError } from "../core/errors.js";
import { sameAddress, type Address } from "../core/hex.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import { readDeployFile } from "../deployments/read.js";
import { findContract } from "../deployments/select.js";
import type { RecoveryPorts } from "../recovery/ports.js";
import { scanStart } from "../recovery/scan-start.js";
import { readContractStatus } from "../recovery/status.js";
import { digestPlan, type Plan } from "../run/plan.js";
import type { RunEvent, RunOutcome } from "../run/runner.js";
import { collectChanges, type Changes } from "./changes.js";
import { expectationOf, type Expectation } from "./expectation.js";
import { findFindings } from "./findings.js";
import type { Fork } from "./fork.js";
import { readNaming, type Naming } from "./naming.js";
import type {
  AccountReport,
  RehearsalReport,
  RehearsedContract,
} from "./report.js";
import { runOnFork, sumGas, type RehearsedRun } from "./run-plan.js";
import { measureTime, readBlockSeconds } from "./timing.js";

/** Who may act on a fork, and what they have on the real chain. */
export interface Actor {
  readonly address: Address;
  /** Whether this machine can sign for it. */
  readonly held: boolean;
  /** Wei. */
  readonly balance: bigint;
}

export interface RehearsalPorts {
  readonly fork: Fork;
  /** On the fork, with a folder that may be written to. */
  readonly recovery: RecoveryPorts;
  /** Of the chain that is forked. */
  readonly origin: Rpc;
  readonly actors: readonly Actor[];
  /** Blocks a transaction is waited for on the real chain. */
  readonly confirmations: number;
  readonly toolVersion: string;
  /** Of the project; null where there is no repository. */
  readonly commit: string | null;
  readonly onEvent?: (event: RunEvent) => void;
}

/** A plan, and those it leaves out. */
export interface Rehearsable {
  readonly plan: Plan;
  readonly refused: readonly {
    readonly name: string;
    readonly error: DrError;
  }[];
}

export interface Rehearsal {
  readonly report: RehearsalReport;
  readonly outcome: RunOutcome;
  readonly refused: Rehearsable["refused"];
}

/**
 * Makes a plan on a fork, runs it there, and tells all that came of it.
 *
 * @throws {DrError} whatever the procedure would be refused with.
 */
export async function rehearse(
  ports: RehearsalPorts,
  prepare: () => Promise<Rehearsable>,
): Promise<Rehearsal> {
  const { fork, recovery, origin, confirmations } = ports;
  const { clock, network } = recovery;
  const startedAt = clock.now();
  const { plan, refused } = await prepare();
  const planned = (clock.now().getTime() - startedAt.getTime()) / 1000;
  const { file } = await readDeployFile(`${recovery.folder}/deploy.json`);
  const run = await runOnFork(plan, fork, { ...ports, clock });
  const expectation = expectationOf(plan);
  const before = await BlockReader.at(fork.rpc, fork.start);
  const [changes, contracts, naming, blockSeconds] = await Promise.all([
    collectChanges(fork.rpc, run.transactions, expectation),
    readContracts(before, file, expectation),
    readNaming(
      before,
      file,
      { ...recovery, chainId: fork.chainId },
      namesOfOthers(ports.actors, run, expectation),
    ),
    readBlockSeconds(origin, fork.origin),
  ]);
  const accounts = reportAccounts(ports.actors, run);
  const named = await nameChanges(changes, naming);
  const { number, hash, timestamp } = fork.origin;
  const body = {
    contracts,
    time: measureTime(plan.procedure, run.steps, {
      planned,
      blockSeconds,
      confirmations,
    }),
    gasUsed: String(sumGas(run.transactions)),
    steps: run.steps,
    accounts,
    ...named,
  };
  const findings = findFindings(body, refused);
  return {
    outcome: run.outcome,
    refused,
    report: {
      schemaVersion: 2,
      toolVersion: ports.toolVersion,
      procedure: plan.procedure,
      network,
      chainId: fork.chainId,
      commit: ports.commit,
      startedAt: startedAt.toISOString(),
      fork: {
        block: Number(number),
        hash,
        timestamp: new Date(Number(timestamp) * 1000).toISOString(),
      },
      plan: { digest: digestPlan(plan), notes: plan.notes },
      verdict: verdictOf(run.outcome, findings),
      findings,
      outcome: outcomeToJson(run.outcome),
      ...body,
    },
  };
}

async function readContracts(
  reader: BlockReader,
  file: DeployFile,
  { contracts }: Expectation,
): Promise<RehearsedContract[]> {
  const graph = new AuthorityGraph(reader, scanStart(file));
  return await Promise.all(
    contracts.map(async ({ name, proxy }) => {
      const record = findContract(file, name);
      const status = await readContractStatus(reader, graph, { name, record });
      return status.kind === "missing"
        ? {
            name,
            proxy,
            implementation: null,
            codeHash: null,
            pauseAuthority: null,
            upgradeAuthority: null,
          }
        : {
            name,
            proxy,
            implementation: status.implementation,
            codeHash: status.codeHash ?? null,
            pauseAuthority: permissionToJson(status.pauseAuthority),
            upgradeAuthority: permissionToJson(status.upgradeAuthority),
          };
    }),
  );
}

function namesOfOthers(
  actors: readonly Actor[],
  { transactions }: RehearsedRun,
  { created }: Expectation,
): ReadonlyMap<Address, string> {
  return new Map([
    ...created.map((address): [Address, string] => [
      address,
      "the new implementation",
    ]),
    ...transactions.map(({ producer }): [Address, string] => [
      producer,
      "the block's producer",
    ]),
    ...actors.map(({ address, held }): [Address, string] => [
      address,
      held ? "an account of this machine" : "the authority, impersonated",
    ]),
  ]);
}

/** Those who sent something. */
function reportAccounts(
  actors: readonly Actor[],
  { transactions }: RehearsedRun,
): AccountReport[] {
  return actors.flatMap(({ address, held, balance }) => {
    const own = transactions.filter(({ from }) => sameAddress(from, address));
    const spent = own.reduce((sum, { cost, value }) => sum + cost + value, 0n);
    return own.length === 0
      ? []
      : [
          {
            address,
            held,
            balance: String(balance),
            spent: String(spent),
            canPay: balance >= spent,
          },
        ];
  });
}

async function nameChanges(
  { storage, balances, nonces, code }: Changes,
  naming: Naming,
): Promise<Pick<RehearsalReport, "storage" | "balances" | "nonces" | "code">> {
  const withNames = <T extends { account: Address; expected: boolean }>(
    changes: readonly T[],
  ): (T & { name: string | null })[] =>
    changes
      .map((change) => ({ ...change, name: naming.nameOf(change.account) }))
      .sort((a, b) => Number(a.expected) - Number(b.expected));
  return {
    storage: await Promise.all(
      withNames(storage).map(async (change) => ({
        ...change,
        label:
          (await naming.labelOf(change.account, change.slot)) ?? change.label,
      })),
    ),
    balances: withNames(balances),
    nonces: withNames(nonces),
    code: withNames(code),
  };
}

function verdictOf(
  { status }: RunOutcome,
  findings: readonly string[],
): RehearsalReport["verdict"] {
  if (status !== "done") {
    return "failed";
  }
  return findings.length === 0 ? "clean" : "attention";
}

function outcomeToJson(outcome: RunOutcome): RehearsalReport["outcome"] {
  const { status } = outcome;
  return status === "failed"
    ? { status, error: errorToJson(outcome.error) }
    : { status };
}

function errorToJson(error: unknown): Json {
  if (!isDrError(error)) {
    return { code: "UNEXPECTED", message: messageOf(error) };
  }
  const { code, message, fix } = error;
  return { code, message, fix };
}
