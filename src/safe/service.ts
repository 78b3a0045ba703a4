import { DrError, messageOf } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import type { Proposal } from "./proposal-format.js";

/** Where signatures are gathered besides files, when the user has set it up. */
export interface SafeService {
  /** What owners have given it; undefined when it doesn't know the transaction. */
  pull(safeTxHash: Hex): Promise<readonly Hex[] | undefined>;
  /** Gives it a transaction, with the first signature. */
  propose(proposal: Proposal, signer: Address, signature: Hex): Promise<void>;
  /** Gives it one more signature. */
  confirm(safeTxHash: Hex, signature: Hex): Promise<void>;
}

export interface SafeServiceOptions {
  readonly chainId: bigint;
  /** Default: Safe's own, which wants a key. */
  readonly url?: string;
  readonly apiKey?: string;
}

/** As much of @safe-global/api-kit as is needed; its own types are those of its CommonJS. */
interface ApiKit {
  readonly default: new (config: {
    readonly chainId: bigint;
    readonly txServiceUrl?: string;
    readonly apiKey?: string;
  }) => {
    getTransaction(safeTxHash: string): Promise<{
      readonly confirmations?: readonly { readonly signature: string }[];
    }>;
    proposeTransaction(proposed: {
      readonly safeAddress: string;
      readonly safeTransactionData: object;
      readonly safeTxHash: string;
      readonly senderAddress: string;
      readonly senderSignature: string;
      readonly origin: string;
    }): Promise<void>;
    confirmTransaction(safeTxHash: string, signature: string): Promise<unknown>;
  };
}

/**
 * The Safe Transaction Service. Nothing it says is believed: its signatures
 * are checked like anybody's.
 *
 * @param load - The optional package it needs.
 * @throws {DrError} SAFE_SERVICE_PACKAGE_MISSING, SAFE_SERVICE_FAILED.
 */
export async function openSafeService(
  { chainId, url, apiKey }: SafeServiceOptions,
  load: () => Promise<unknown> = async () =>
    await import("@safe-global/api-kit"),
): Promise<SafeService> {
  const { default: SafeApiKit } = await loadPackage(load);
  const host = url === undefined ? "Safe's own" : new URL(url).host;
  const kit = await asking(host, () =>
    Promise.resolve(
      new SafeApiKit({
        chainId,
        ...(url === undefined ? {} : { txServiceUrl: url }),
        ...(apiKey === undefined ? {} : { apiKey }),
      }),
    ),
  );
  return {
    pull: async (safeTxHash) =>
      await asking(host, async () => {
        try {
          const { confirmations } = await kit.getTransaction(safeTxHash);
          return (confirmations ?? []).map(({ signature }) => signature as Hex);
        } catch (error) {
          if (isUnknown(error)) {
            return undefined;
          }
          throw error;
        }
      }),
    propose: async (proposal, signer, signature) => {
      await asking(host, async () => {
        await kit.proposeTransaction({
          safeAddress: proposal.safe,
          safeTransactionData: toServiceData(proposal),
          safeTxHash: proposal.safeTxHash,
          senderAddress: signer,
          senderSignature: signature,
          origin: "hardhat-dr",
        });
      });
    },
    confirm: async (safeTxHash, signature) => {
      await asking(host, async () => {
        await kit.confirmTransaction(safeTxHash, signature);
      });
    },
  };
}

function toServiceData({ transaction }: Proposal): object {
  const { value, safeTxGas, baseGas, gasPrice, nonce } = transaction;
  return {
    ...transaction,
    value: value.toString(),
    safeTxGas: safeTxGas.toString(),
    baseGas: baseGas.toString(),
    gasPrice: gasPrice.toString(),
    nonce: Number(nonce),
  };
}

async function loadPackage(load: () => Promise<unknown>): Promise<ApiKit> {
  try {
    return (await load()) as ApiKit;
  } catch (error) {
    throw new DrError("SAFE_SERVICE_PACKAGE_MISSING", {}, { cause: error });
  }
}

/** A service that fails is said to have failed; its key is in no message. */
async function asking<T>(host: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new DrError(
      "SAFE_SERVICE_FAILED",
      { host, reason: messageOf(error) },
      { cause: error },
    );
  }
}

function isUnknown(error: unknown): boolean {
  return (
    error instanceof Error && "statusCode" in error && error.statusCode === 404
  );
}
