import type { Address } from "../core/hex.js";
import type { BannerConfig } from "../config/types.js";

/** What a site shows its visitors: docs/formats.md describes it. */
export interface Banner {
  readonly schemaVersion: 1;
  readonly status: "operational" | "paused";
  readonly severity: "critical" | null;
  /** For visitors; empty when there is nothing to say. */
  readonly message: string;
  readonly network: string;
  readonly chainId: number;
  readonly paused: readonly PausedContract[];
  /** Since when any of them is; ISO 8601, UTC. */
  readonly since: string | null;
  /** When this was written; ISO 8601, UTC. */
  readonly updatedAt: string;
}

export interface PausedContract {
  readonly contract: string;
  readonly address: Address;
  /** As far as is known here: ISO 8601, UTC. */
  readonly since: string;
}

/** What the chain says is paused now. */
export interface PauseState {
  readonly network: string;
  readonly chainId: number;
  readonly paused: readonly Omit<PausedContract, "since">[];
  readonly at: Date;
}

/** @param previous - The banner so far: it knows since when. */
export function nextBanner(
  { message }: Pick<BannerConfig, "message">,
  previous: Banner | undefined,
  { network, chainId, paused, at }: PauseState,
): Banner {
  const now = at.toISOString();
  const before = new Map(
    previous?.chainId === chainId
      ? previous.paused.map(({ address, since }) => [address, since])
      : [],
  );
  const contracts = paused.map(({ contract, address }) => ({
    contract,
    address,
    since: before.get(address) ?? now,
  }));
  const isPaused = contracts.length > 0;
  return {
    schemaVersion: 1,
    status: isPaused ? "paused" : "operational",
    severity: isPaused ? "critical" : null,
    message: isPaused ? (message ?? defaultMessage(contracts)) : "",
    network,
    chainId,
    paused: contracts,
    since: contracts.map(({ since }) => since).sort()[0] ?? null,
    updatedAt: now,
  };
}

function defaultMessage(paused: readonly PausedContract[]): string {
  const names = paused.map(({ contract }) => contract).join(", ");
  return `Some functions are paused for the moment: ${names}.`;
}

export function encodeBanner(banner: Banner): string {
  return `${JSON.stringify(banner, undefined, 2)}\n`;
}

/** @returns undefined when it is something else. */
export function parseBanner(text: string): Banner | undefined {
  try {
    const banner = JSON.parse(text) as Partial<Banner> | null;
    const isBanner =
      banner?.schemaVersion === 1 &&
      (banner.status === "operational" || banner.status === "paused") &&
      Array.isArray(banner.paused) &&
      banner.paused.every(
        ({ address, since }: Partial<PausedContract>) =>
          typeof address === "string" && !Number.isNaN(Date.parse(since ?? "")),
      );
    return isBanner ? (banner as Banner) : undefined;
  } catch {
    return undefined;
  }
}
