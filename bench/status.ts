import assert from "node:assert/strict";

import hre from "hardhat";

import { HttpRpc } from "../src/chain/http-rpc.js";
import { MULTICALL3 } from "../src/chain/multicall.js";
import { MULTICALL3_CODE } from "../src/chain/multicall3-code.js";
import type { Rpc } from "../src/chain/rpc.js";
import { readStatus } from "../src/recovery/status.js";
import { createSealing } from "../src/safe/sealing.js";
import { startAnvil } from "../test/helpers/anvil.js";
import { startFaultyRpc, type FaultyRpc } from "../test/helpers/faulty-rpc.js";
import { deployFleet } from "./fleet.js";
import { formatSeconds, type Measurement } from "./measurement.js";
import { OneByOneRpc, OutOfTime } from "./one-by-one-rpc.js";
import type { Project } from "./project.js";

const SIZE = 500;
const FEW = 50;
const LATENCY_MS = 20;
const TARGET_ROUND_TRIPS = 15;
const TARGET_RATIO = 10;
/** The peer isn't waited for any longer than this many times ours. */
const PATIENCE = 12;
/** Answers to parallel requests come in either order; then one more is asked for later. */
const SLACK = 1;
/** What well-known RPC providers take in one batch. */
const COMMON_BATCH_LIMIT = 1000;

/**
 * `dr:status` for many proxies, with Multicall3 and without: its round trips,
 * and its time against the same reads made one by one.
 */
export async function* measureStatus(
  project: Project,
): AsyncGenerator<Measurement> {
  const anvil = await startAnvil();
  const faulty = await startFaultyRpc(anvil.url, { latencyMs: LATENCY_MS });
  try {
    await project.record(await deployFleet(anvil.url, SIZE));
    yield* measureOn(project, faulty, "no Multicall3");
    const rpc = new HttpRpc({ network: "bench", url: anvil.url });
    await rpc.request("anvil_setCode", [MULTICALL3, MULTICALL3_CODE]);
    // Only the next block has it.
    await rpc.request("evm_mine");
    yield* measureOn(project, faulty, "Multicall3");
    faulty.limits.batchSize = COMMON_BATCH_LIMIT;
    yield* measureOn(project, faulty, `batches ≤ ${COMMON_BATCH_LIMIT}`);
  } finally {
    await faulty.close();
    await anvil.stop();
  }
}

async function* measureOn(
  project: Project,
  faulty: FaultyRpc,
  node: string,
): AsyncGenerator<Measurement> {
  const few = await countRoundTrips(project, faulty, FEW);
  const many = await countRoundTrips(project, faulty, SIZE);
  const isJudged = faulty.limits.batchSize === undefined;
  yield {
    what: `status ${SIZE} (${FEW}), ${node}: round trips`,
    ours: String(many),
    peer: String(few),
    ratio: `${(many / few).toFixed(1)} ×`,
    target: isJudged ? `≤ ${TARGET_ROUND_TRIPS}, 1 ×` : "",
    isMet: isJudged
      ? many <= TARGET_ROUND_TRIPS && many <= few + SLACK
      : undefined,
  };
  const ours = await timeStatus(
    project,
    new HttpRpc({ network: "bench", url: faulty.url }),
  );
  const peer = await timePeer(project, faulty.url, ours * PATIENCE);
  const ratio = peer.milliseconds / ours;
  const atLeast = peer.isOver ? "" : "> ";
  yield {
    what: `status ${SIZE} (one by one), ${node}: time`,
    ours: formatSeconds(ours),
    peer: `${atLeast}${formatSeconds(peer.milliseconds)}`,
    ratio: `${atLeast}${ratio.toFixed(1)} ×`,
    target: `≥ ${TARGET_RATIO} ×`,
    isMet: ratio >= TARGET_RATIO,
  };
}

/** Of the whole command. */
async function countRoundTrips(
  project: Project,
  faulty: FaultyRpc,
  size: number,
): Promise<number> {
  const names = Array.from({ length: size }, (_, index) => `Proxy${index}`);
  faulty.resetCounts();
  const answer = await project.hardhat(
    ["dr:status", ...names, "--json", "--network", "bench"],
    faulty.url,
  );
  const { contracts } = JSON.parse(answer) as { contracts: object[] };
  assert.equal(contracts.length, size);
  return faulty.roundTrips;
}

/** Milliseconds of reading it all; the start of Hardhat isn't in there. */
async function timeStatus(project: Project, rpc: Rpc): Promise<number> {
  const started = performance.now();
  const { contracts } = await readStatus({
    network: "bench",
    rpc,
    root: hre.config.paths.root,
    folder: project.deployment,
    artifacts: hre.artifacts,
    sealing: createSealing(undefined),
  });
  assert.equal(contracts.length, SIZE);
  return performance.now() - started;
}

async function timePeer(
  project: Project,
  url: string,
  patienceMs: number,
): Promise<{ readonly milliseconds: number; readonly isOver: boolean }> {
  const started = performance.now();
  const rpc = new OneByOneRpc(
    new HttpRpc({ network: "bench", url }),
    started + patienceMs,
  );
  try {
    return { milliseconds: await timeStatus(project, rpc), isOver: true };
  } catch (error) {
    if (error instanceof OutOfTime) {
      return { milliseconds: performance.now() - started, isOver: false };
    }
    throw error;
  }
}
