import * as OxAddress from "ox/Address";

import { BlockReader, readChainId } from "../../chain/block-reader.js";
import type { Call } from "../../core/call.js";
import { DrError } from "../../core/errors.js";
import { ZERO_ADDRESS, type Address } from "../../core/hex.js";
import type { DeployFile } from "../../deployments/deploy-file.js";
import { findContract } from "../../deployments/select.js";
import { encodeMethodCall, parseMethodCall } from "../../chain/method-call.js";
import { findImplementation } from "../../implementation/implementation-source.js";
import { inspectProxy } from "../../proxy/inspect.js";
import { plainTransaction } from "../../safe/multi-send.js";
import { findMultiSend } from "../../safe/multi-send-addresses.js";
import { createProposal, type Proposal } from "../../safe/proposal.js";
import { readSafeState } from "../../safe/safe-state.js";
import { readWorld, type RecoveryPorts } from "../ports.js";
import { expectedEffects } from "./effects.js";
import { readProposedContract } from "./proposed-contracts.js";

/** Calls that a Safe shall make, all or none. */
export interface Wish {
  readonly safe: Address;
  readonly calls: readonly Call[];
  /** Contracts that must be as they are now when it is executed, by name. */
  readonly contracts: Readonly<Record<string, Address>>;
  /** Default: the Safe's next. */
  readonly nonce?: bigint;
  /** Whether it may be executed both when they are paused and when they aren't. */
  readonly fitsPaused?: boolean;
}

/**
 * A proposal for these calls, as things stand now; simulated where that can
 * be done.
 *
 * @throws {DrError} NOT_A_SAFE, SAFE_CONTRACTS_UNKNOWN, SAFE_CONTRACTS_WRONG.
 */
export async function makeProposal(
  ports: RecoveryPorts,
  { safe, calls, contracts, nonce, fitsPaused = false }: Wish,
): Promise<Proposal> {
  const [reader, chainId] = await Promise.all([
    BlockReader.at(ports.rpc),
    readChainId(ports.rpc),
  ]);
  const state = await readSafeState(reader, safe);
  const multiSend =
    calls.length > 1
      ? await findMultiSend(reader, state.version, ports.safeContracts)
      : ZERO_ADDRESS;
  const targets = expectedEffects(
    calls.map((call) => ({ ...call, operation: 0 })),
  );
  const proposal = createProposal({
    chainId: Number(chainId),
    safe: state.address,
    safeVersion: state.version,
    transaction: {
      ...plainTransaction(calls, multiSend),
      nonce: nonce ?? state.nonce,
    },
    block: Number(reader.block.number),
    proposedAt: ports.clock.now().toISOString(),
    contracts: await Promise.all(
      Object.entries(contracts).map(async ([name, proxy]) => {
        const upgrade = targets.find(
          (effect) =>
            effect.kind === "implementation" &&
            OxAddress.isEqual(effect.contract, proxy),
        );
        const { paused, ...contract } = await readProposedContract(
          reader,
          name,
          proxy,
          upgrade?.kind === "implementation"
            ? upgrade.implementation
            : undefined,
        );
        return fitsPaused || paused === undefined
          ? contract
          : { ...contract, paused };
      }),
    ),
  });
  const simulation = await ports.simulateProposal?.(proposal);
  return simulation === undefined ? proposal : { ...proposal, simulation };
}

/**
 * Calls as a person writes them, `SkillProfile.pause()`, ready to be proposed.
 *
 * @param safe - Default: `governance.safe` of deploy.json.
 * @throws {DrError} SAFE_NOT_NAMED, CALL_INVALID, CONTRACT_UNKNOWN.
 */
export async function readWish(
  ports: RecoveryPorts,
  texts: readonly string[],
  safe: Address | undefined,
  nonce: bigint | undefined,
): Promise<Wish> {
  const { document, reader } = await readWorld(ports);
  const { file, path } = document;
  const chosen = safe ?? file.governance?.safe;
  if (chosen === undefined) {
    throw new DrError("SAFE_NOT_NAMED", { file: path });
  }
  const read = await Promise.all(
    texts.map(async (text) => await readCall(ports, reader, file, text)),
  );
  return {
    safe: chosen,
    calls: read.map(({ call }) => call),
    contracts: Object.fromEntries(
      read.map(({ name, call }) => [name, call.to]),
    ),
    ...(nonce === undefined ? {} : { nonce }),
  };
}

async function readCall(
  { folder, root, artifacts }: RecoveryPorts,
  reader: BlockReader,
  file: DeployFile,
  text: string,
): Promise<{ readonly name: string; readonly call: Call }> {
  const request = parseMethodCall(text);
  const { proxy } = findContract(file, request.name);
  const state = await inspectProxy(reader, proxy);
  if (state === undefined) {
    throw new DrError("NO_CODE", { what: request.name, address: proxy });
  }
  const source = await findImplementation(
    reader,
    state.implementation,
    { folder, root, artifacts, chainId: file.chainId },
    request.name,
  );
  const abi = source.status === "known" ? source.abi : undefined;
  return {
    name: request.name,
    call: {
      to: proxy,
      value: 0n,
      data: encodeMethodCall(request, abi),
      label: request.text,
    },
  };
}
