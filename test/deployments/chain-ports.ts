import type { DiscoveryPorts } from "../../src/deployments/discover.js";
import { readVersion } from "../../src/proxy/getters.js";
import { inspectProxy } from "../../src/proxy/inspect.js";

/** What dr:init gives the history reader; nothing here identifies code. */
export const chainPorts: DiscoveryPorts = {
  inspect: inspectProxy,
  readVersion,
  identify: () => Promise.resolve(undefined),
};
