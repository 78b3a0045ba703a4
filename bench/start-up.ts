import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { formatMilliseconds, median, type Measurement } from "./measurement.js";
import type { Project, Variant } from "./project.js";

const HELP_RUNS = 61;
const REQUEST_RUNS = 15;
const TARGET_RATIO = 1.05;
const TARGET_DELAY_MS = 300;

/** What the plugin costs those who don't use it, and what dr:pause costs before it asks the chain. */
export async function* measureStartUp(
  project: Project,
): AsyncGenerator<Measurement> {
  const help = await alternate(HELP_RUNS, async (variant) => {
    const started = performance.now();
    await project.hardhat(["--help"], undefined, { variant });
    return performance.now() - started;
  });
  const ratio = help.plugin / help.bare;
  yield {
    what: "hardhat --help with the plugin (without)",
    ours: formatMilliseconds(help.plugin),
    peer: formatMilliseconds(help.bare),
    ratio: `${ratio.toFixed(3)} ×`,
    target: `≤ ${TARGET_RATIO} ×`,
    isMet: ratio <= TARGET_RATIO,
  };
  const request = await alternate(REQUEST_RUNS, async (variant) => {
    return await timeFirstRequest(project, variant);
  });
  const delay = request.plugin - request.bare;
  yield {
    what: "dr:pause: first RPC request (a bare task's)",
    ours: formatMilliseconds(request.plugin),
    peer: formatMilliseconds(request.bare),
    ratio: `+ ${formatMilliseconds(delay)}`,
    target: `≤ + ${TARGET_DELAY_MS} ms`,
    isMet: delay <= TARGET_DELAY_MS,
  };
}

/** Medians of runs with and without the plugin in turn, the first of each left out. */
async function alternate(
  runs: number,
  time: (variant: Variant) => Promise<number>,
): Promise<Record<Variant, number>> {
  const times: Record<Variant, number[]> = { plugin: [], bare: [] };
  for (let run = 0; run <= runs; run += 1) {
    for (const variant of ["plugin", "bare"] as const) {
      times[variant].push(await time(variant));
    }
  }
  return {
    plugin: median(times.plugin.slice(1)),
    bare: median(times.bare.slice(1)),
  };
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
