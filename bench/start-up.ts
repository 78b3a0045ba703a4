import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import {
  alternate,
  formatMilliseconds,
  type Measurement,
} from "./measurement.js";
import type { Project, Variant } from "./project.js";

const HELP_RUNS = 61;
const REQUEST_RUNS = 15;
const TARGET_RATIO = 1.05;
const TARGET_DELAY_MS = 300;

/** What the plugin costs those who don't use it, and what dr:pause costs before it asks the chain. */
export async function* measureStartUp(
  project: Project,
): AsyncGenerator<Measurement> {
  const help = await compare(HELP_RUNS, async (variant) => {
    const started = performance.now();
    await project.hardhat(["--help"], undefined, { variant });
    return performance.now() - started;
  });
  const ratio = help.ours / help.peer;
  yield {
    what: "hardhat --help with the plugin (without)",
    ours: formatMilliseconds(help.ours),
    peer: formatMilliseconds(help.peer),
    ratio: `${ratio.toFixed(3)} ×`,
    target: `≤ ${TARGET_RATIO} ×`,
    isMet: ratio <= TARGET_RATIO,
  };
  const request = await compare(REQUEST_RUNS, async (variant) => {
    return await timeFirstRequest(project, variant);
  });
  const delay = request.ours - request.peer;
  yield {
    what: "dr:pause: first RPC request (a bare task's)",
    ours: formatMilliseconds(request.ours),
    peer: formatMilliseconds(request.peer),
    ratio: `+ ${formatMilliseconds(delay)}`,
    target: `≤ + ${TARGET_DELAY_MS} ms`,
    isMet: delay <= TARGET_DELAY_MS,
  };
}

/** With and without the plugin in turn, the first of each left out. */
async function compare(
  runs: number,
  time: (variant: Variant) => Promise<number>,
): Promise<Record<"ours" | "peer", number>> {
  const sides = {
    ours: async () => ({ milliseconds: await time("plugin") }),
    peer: async () => ({ milliseconds: await time("bare") }),
  };
  return await alternate(runs, sides, 1);
}

/** Milliseconds from starting Node to the first request that reaches a node. */
async function timeFirstRequest(
  project: Project,
  variant: Variant,
): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const args =
    variant === "plugin"
      ? ["dr:pause", "--all", "--yes", "--network", "bench"]
      : ["bare", "--network", "bench"];
  const started = performance.now();
  const child = project.start(args, urlOf(server), variant);
  try {
    const isFirst = await Promise.race([
      once(server, "request").then(() => true),
      once(child, "exit").then(() => false),
    ]);
    assert(isFirst, "Hardhat ended without a request");
    return performance.now() - started;
  } finally {
    child.kill("SIGKILL");
    server.closeAllConnections();
    server.close();
  }
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
