import { sameAddress } from "../core/hex.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import { currentImplementation } from "../deployments/history.js";
import type { Step } from "../run/step.js";
import type { ChangeIntent, ContractChange } from "./change-intent.js";
import type { RecoveryPorts } from "./ports.js";
import { recordingStep, type Move } from "./recording.js";

/**
 * Writes a change into deploy.json, also for the contracts that moved because
 * they share a beacon with one that was changed.
 */
export function recordStep(
  ports: RecoveryPorts,
  { contracts, reason }: ChangeIntent,
): Step {
  return recordingStep(ports, {
    title: `Record the ${reason} in deploy.json`,
    approval: {
      contracts: contracts.map(({ name, from, to }) => ({ name, from, to })),
    },
    findMoves: (file) => {
      const moves = contracts.map((change) => toMove(change, reason));
      return Promise.resolve([...moves, ...movedAlong(file, moves)]);
    },
  });
}

function toMove(change: ContractChange, reason: ChangeIntent["reason"]): Move {
  const { name, proxy, beacon, from, to, upgrade } = change;
  const { toCodeHash, toContract, versionAfter } = change;
  return {
    name,
    proxy,
    ...(beacon === undefined ? {} : { beacon }),
    ...(upgrade.via === "factory" ? { factory: upgrade.target } : {}),
    from,
    to,
    reason,
    implementation: {
      ...(versionAfter === undefined ? {} : { version: versionAfter }),
      ...(toContract === undefined ? {} : { contract: toContract }),
      codeHash: toCodeHash,
    },
  };
}

/** The other proxies of a beacon in the file: they moved too. */
function movedAlong(file: DeployFile, moves: readonly Move[]): Move[] {
  const named = new Set(moves.map(({ name }) => name));
  return Object.entries(file.contracts).flatMap(([name, record]) => {
    const move = moves.find(
      ({ beacon, from }) =>
        beacon !== undefined &&
        record.beacon !== undefined &&
        sameAddress(beacon, record.beacon) &&
        sameAddress(from, currentImplementation(record)),
    );
    return move === undefined || named.has(name)
      ? []
      : [{ ...move, name, proxy: record.proxy }];
  });
}
