import type { BlockReader } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import type { ProxyState } from "../proxy/inspect.js";
import { describeForwarder } from "../proxy/plain-form.js";

/** Says what a contract is that has no implementation to change. */
export async function notUpgradable(
  reader: BlockReader,
  name: string,
  { address, kind }: ProxyState,
): Promise<DrError> {
  const form =
    kind === "plain"
      ? ((await describeForwarder(reader, address)) ?? "no proxy")
      : "a proxy whose admin slot is empty";
  return new DrError("NOT_UPGRADABLE", { name, address, what: form });
}
