import type { Address } from "../core/hex.js";
import { selectContracts } from "../deployments/select.js";
import { readPaused } from "../proxy/getters.js";
import { readWorld } from "../recovery/ports.js";
import type { Session } from "./open-session.js";

/**
 * Which of the contracts in deploy.json are paused, as the chain says.
 *
 * @throws {DrError} what is wrong with deploy.json or the RPC.
 */
export async function readPauseState({
  ports,
}: Pick<Session, "ports">): Promise<{
  readonly network: string;
  readonly chainId: number;
  readonly paused: readonly {
    readonly contract: string;
    readonly address: Address;
  }[];
}> {
  const { document, reader, chainId } = await readWorld(ports);
  const states = await Promise.all(
    selectContracts(document.file, [], true).map(
      async ({ name, record: { proxy } }) => ({
        contract: name,
        address: proxy,
        isPaused: await readPaused(reader, proxy),
      }),
    ),
  );
  return {
    network: ports.network,
    chainId,
    paused: states
      .filter(({ isPaused }) => isPaused === true)
      .map(({ contract, address }) => ({ contract, address })),
  };
}
