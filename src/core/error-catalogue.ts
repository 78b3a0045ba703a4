import { EXIT_CODES, type ExitCode } from "./exit-codes.js";

interface Descriptor {
  readonly message: string;
  /** The way out. */
  readonly fix: string;
  readonly exitCode: ExitCode;
}

const { error, refused } = EXIT_CODES;

/**
 * Every error this plugin throws. A code is never reused for something else;
 * scripts may rely on it.
 */
export const CATALOGUE = {
  // The chain
  RPC_UNREACHABLE: {
    message: "{network}: the RPC at {host} can't be reached: {reason}.",
    fix: "Check the network's `url` in hardhat.config.ts, or take another RPC; nothing is lost, run the same command again.",
    exitCode: error,
  },
  RPC_TIMEOUT: {
    message: "{network}: the RPC at {host} gave no answer to {method} within {seconds} s.",
    fix: "Take another RPC, or raise the network's `timeout` in hardhat.config.ts; then run the same command again.",
    exitCode: error,
  },
  RPC_RATE_LIMITED: {
    message: "{network}: the RPC at {host} refuses more requests (HTTP 429) after {attempts} attempts.",
    fix: "Wait a minute, or take an RPC with a higher limit.",
    exitCode: error,
  },
  RPC_FAILED: {
    message: "{network}: {method} failed: {reason}.",
    fix: "If the RPC is at fault take another; the message above is its own.",
    exitCode: error,
  },
  WRONG_CHAIN: {
    message: "{network} answers with chainId {actual}, but {file} is for chainId {expected}.",
    fix: "Choose the right `--network`, or correct the network's `url` in hardhat.config.ts.",
    exitCode: refused,
  },
} as const satisfies Record<string, Descriptor>;
