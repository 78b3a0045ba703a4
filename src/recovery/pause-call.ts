import { encodeCall } from "../chain/abi.js";
import type { Call } from "../core/call.js";
import type { Address } from "../core/hex.js";
import { readPaused } from "../proxy/getters.js";
import type { Action } from "../route/route.js";

/** `pause()` of a contract, or `unpause()`. */
export function pauseCall(name: string, proxy: Address, paused: boolean): Call {
  const method = paused ? "pause" : "unpause";
  return {
    to: proxy,
    value: 0n,
    data: encodeCall(`function ${method}()`),
    label: `${name}.${method}()`,
  };
}

/** The call, done when `paused()` says so. */
export function pauseAction(
  name: string,
  proxy: Address,
  paused: boolean,
): Action {
  return {
    contracts: [name],
    call: pauseCall(name, proxy, paused),
    isDone: async (reader) => (await readPaused(reader, proxy)) === paused,
  };
}
