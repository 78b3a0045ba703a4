import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { sameAddress } from "../core/hex.js";
import { loadOpenZeppelin } from "./extract-layout.js";
import type { StorageLayout } from "./storage-layout.js";

interface Manifest {
  readonly impls?: Readonly<
    Record<
      string,
      | {
          readonly address: string;
          readonly allAddresses?: readonly string[];
          readonly layout?: StorageLayout;
        }
      | undefined
    >
  >;
}

/** What a chain's manifests in `.openzeppelin/` are called. */
export async function manifestNames(chainId: number): Promise<string[]> {
  const { networkNames } = await loadOpenZeppelin();
  const names = [networkNames[chainId], `unknown-${String(chainId)}`];
  return names.flatMap((name) => (name === undefined ? [] : [`${name}.json`]));
}

/**
 * The layout that OpenZeppelin's upgrades plugins wrote down when they deployed
 * an implementation.
 *
 * @param root - The project's root, which holds `.openzeppelin/`.
 */
export async function readManifestLayout(
  root: string,
  chainId: number,
  address: string,
): Promise<StorageLayout | undefined> {
  for (const name of await manifestNames(chainId)) {
    const manifest = await readManifest(join(root, ".openzeppelin", name));
    const found = Object.values(manifest?.impls ?? {}).find((impl) =>
      [impl?.address, ...(impl?.allAddresses ?? [])].some(
        (one) => one !== undefined && sameAddress(one, address),
      ),
    );
    if (found?.layout !== undefined) {
      return found.layout;
    }
  }
  return undefined;
}

/** A manifest that can't be read is somebody else's file and no fault of ours. */
async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}
