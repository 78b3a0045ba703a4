import { permissionToJson } from "../authority/describe.js";
import type { Permission } from "../authority/authority.js";
import { AuthorityGraph } from "../authority/graph.js";
import type { Json } from "../core/canonical-json.js";
import type { Address, Hex } from "../core/hex.js";
import { selectContracts } from "../deployments/select.js";
import { readWorld, type RecoveryPorts } from "../recovery/ports.js";
import { scanStart } from "../recovery/scan-start.js";
import { readContractStatus, type ContractStatus } from "../recovery/status.js";

/** A contract as it is now: what proofs are held against. */
export interface CurrentContract {
  readonly name: string;
  readonly proxy: Address;
  /** Null where there is no code. */
  readonly codeHash: Hex | null;
  /** As `dr:status --json` has them; null where there is no code. */
  readonly pauseAuthority: Json;
  readonly upgradeAuthority: Json;
  readonly canPause: boolean;
  readonly canUpgrade: boolean;
  /** Whether a Safe may do both at once: what an emergency is. */
  readonly isSafeAtOnce: boolean;
  /** An implementation to go back to. */
  readonly hasPrevious: boolean;
}

/** All contracts at one block. */
export interface CurrentContracts {
  readonly chainId: number;
  readonly block: bigint;
  readonly contracts: readonly CurrentContract[];
}

/** @throws {DrError} WRONG_CHAIN, deploy.json's and the RPC's errors. */
export async function readCurrentContracts(
  ports: Pick<RecoveryPorts, "network" | "rpc" | "folder">,
): Promise<CurrentContracts> {
  const { document, reader, chainId } = await readWorld(ports);
  const { file } = document;
  const graph = new AuthorityGraph(reader, scanStart(file));
  const statuses = await Promise.all(
    selectContracts(file, [], true).map(
      async (named) => await readContractStatus(reader, graph, named),
    ),
  );
  return {
    chainId,
    block: reader.block.number,
    contracts: statuses.map(toCurrentContract),
  };
}

export function toCurrentContract(status: ContractStatus): CurrentContract {
  const { name, proxy } = status;
  if (status.kind === "missing") {
    return {
      name,
      proxy,
      codeHash: null,
      pauseAuthority: null,
      upgradeAuthority: null,
      canPause: true,
      canUpgrade: true,
      isSafeAtOnce: false,
      hasPrevious: false,
    };
  }
  const { kind, codeHash, paused, pauseAuthority, upgradeAuthority } = status;
  return {
    name,
    proxy,
    codeHash: codeHash ?? null,
    pauseAuthority: permissionToJson(pauseAuthority),
    upgradeAuthority: permissionToJson(upgradeAuthority),
    canPause:
      paused !== undefined && pauseAuthority.mechanism.kind !== "absent",
    canUpgrade:
      kind !== "plain" && upgradeAuthority.mechanism.kind !== "absent",
    isSafeAtOnce: [pauseAuthority, upgradeAuthority].every(isHeldBySafe),
    hasPrevious: status.previous !== undefined,
  };
}

function isHeldBySafe({ holders }: Permission): boolean {
  return holders.some(
    (holder) =>
      holder.kind === "safe" ||
      (holder.kind === "access-manager" &&
        holder.members.some(
          ({ authority, delaySeconds }) =>
            authority.kind === "safe" && delaySeconds === 0n,
        )),
  );
}
