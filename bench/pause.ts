import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { id } from "ethers";

import { HttpRpc } from "../src/chain/http-rpc.js";
import type { Rpc } from "../src/chain/rpc.js";
import type { Address, Hex } from "../src/core/hex.js";
import { findCast, startAnvil } from "../test/helpers/anvil.js";
import { deployFleet } from "./fleet.js";
import { formatSeconds, median, type Measurement } from "./measurement.js";
import { OWNER_KEY, type Project } from "./project.js";

const execute = promisify(execFile);

const SIZES = [1, 10, 50];
/** Ours depends on when in a block's second it starts. */
const REPETITIONS = 3;
const TARGET_RATIO = 20;
const TARGET_BLOCKS = 2;
const POLL_MS = 10;

interface Pausing {
  /** From the command until the chain has everything paused. */
  readonly milliseconds: number;
  /** From the block of the first pause to that of the last, both counted. */
  readonly blocks: number;
}

/**
 * `dr:pause --all` against a loop of `cast send`, as runbooks have it: each
 * waits for its receipt. On anvil with a block a second.
 */
export async function* measurePause(
  project: Project,
): AsyncGenerator<Measurement> {
  for (const size of SIZES) {
    const anvil = await startAnvil();
    try {
      const file = await deployFleet(anvil.url, size);
      await project.record(file);
      const rpc = new HttpRpc({ network: "bench", url: anvil.url });
      await rpc.request("evm_setIntervalMining", [1]);
      const proxies = Object.values(file.contracts).map(({ proxy }) => proxy);
      const ours = await measureRepeatedly(rpc, size, async () => {
        await project.record(file);
        const args = ["dr:pause", "--all", "--yes", "--network", "bench"];
        await project.hardhat(args, anvil.url);
      });
      const peer = await measure(rpc, size, async () => {
        await pauseOneByOne(anvil.url, proxies);
      });
      yield* describe(size, ours, peer);
    } finally {
      await anvil.stop();
    }
  }
}

function* describe(
  size: number,
  ours: Pausing,
  peer: Pausing,
): Generator<Measurement> {
  const isJudged = size === Math.max(...SIZES);
  const ratio = peer.milliseconds / ours.milliseconds;
  yield {
    what: `pause ${size}: command to all paused (cast send)`,
    ours: formatSeconds(ours.milliseconds),
    peer: formatSeconds(peer.milliseconds),
    ratio: `${ratio.toFixed(1)} ×`,
    target: isJudged ? `≥ ${TARGET_RATIO} ×` : "",
    isMet: isJudged ? ratio >= TARGET_RATIO : undefined,
  };
  yield {
    what: `pause ${size}: blocks, first to last`,
    ours: String(ours.blocks),
    peer: String(peer.blocks),
    ratio: "",
    target: isJudged ? `≤ ${TARGET_BLOCKS}` : "",
    isMet: isJudged ? ours.blocks <= TARGET_BLOCKS : undefined,
  };
}

/** The median time and the most blocks of some runs, each from the same state. */
async function measureRepeatedly(
  rpc: Rpc,
  size: number,
  command: () => Promise<void>,
): Promise<Pausing> {
  const runs: Pausing[] = [];
  while (runs.length < REPETITIONS) {
    const snapshot = await rpc.request("evm_snapshot");
    runs.push(await measure(rpc, size, command));
    await rpc.request("evm_revert", [snapshot]);
  }
  return {
    milliseconds: median(runs.map(({ milliseconds }) => milliseconds)),
    blocks: Math.max(...runs.map(({ blocks }) => blocks)),
  };
}

async function measure(
  rpc: Rpc,
  size: number,
  command: () => Promise<void>,
): Promise<Pausing> {
  const before = BigInt((await rpc.request("eth_blockNumber")) as Hex);
  const started = performance.now();
  let isOver = false;
  const running = command().finally(() => {
    isOver = true;
  });
  const [pausing] = await Promise.all([
    witness(rpc, before + 1n, size, () => isOver, started),
    running,
  ]);
  return pausing;
}

/** Watches the chain itself for as many `Paused(address)` events. */
async function witness(
  rpc: Rpc,
  fromBlock: bigint,
  size: number,
  isOver: () => boolean,
  started: number,
): Promise<Pausing> {
  const filter = {
    fromBlock: `0x${fromBlock.toString(16)}`,
    toBlock: "latest",
    topics: [id("Paused(address)")],
  };
  for (;;) {
    const wasOver = isOver();
    const head = BigInt((await rpc.request("eth_blockNumber")) as Hex);
    const logs =
      head < fromBlock
        ? []
        : ((await rpc.request("eth_getLogs", [filter])) as {
            readonly blockNumber: Hex;
          }[]);
    if (logs.length >= size) {
      const numbers = logs.map(({ blockNumber }) => Number(blockNumber));
      return {
        milliseconds: performance.now() - started,
        blocks: Math.max(...numbers) - Math.min(...numbers) + 1,
      };
    }
    assert(!wasOver, `only ${logs.length} of ${size} are paused at the end`);
    await sleep(POLL_MS);
  }
}

async function pauseOneByOne(
  url: string,
  proxies: readonly Address[],
): Promise<void> {
  const cast = findCast();
  assert(cast !== undefined, "cast isn't installed: npm run setup");
  for (const proxy of proxies) {
    await execute(cast, [
      "send",
      "--rpc-url",
      url,
      "--private-key",
      OWNER_KEY,
      proxy,
      "pause()",
    ]);
  }
}
