import { isUtf8 } from "node:buffer";
import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

import { ifThere } from "../core/if-there.js";

/** Something in a folder. */
export interface Found {
  /** From the folder, its parts separated by `/`. */
  readonly path: string;
  /** Where it lies. */
  readonly at: string;
  /** Of itself, where it is a link. Undefined: its name isn't UTF-8, and nothing here can reach it. */
  readonly stats: BigIntStats | undefined;
}

/**
 * Everything in a folder by name, folders before what is in them. What is gone
 * before it is looked at was never there.
 */
export function walkFolder(folder: string): AsyncGenerator<Found> {
  return walkFrom(folder, "");
}

async function* walkFrom(folder: string, path: string): AsyncGenerator<Found> {
  const read = readdir(join(folder, path), { encoding: "buffer" });
  const names = path === "" ? await read : await ifThere(read);
  for (const { name, isReachable } of toTexts(names ?? [])) {
    const own = path === "" ? name : `${path}/${name}`;
    const at = join(folder, own);
    if (!isReachable) {
      yield { path: own, at, stats: undefined };
      continue;
    }
    const stats = await ifThere(lstat(at, { bigint: true }));
    if (stats === undefined) {
      continue;
    }
    yield { path: own, at, stats };
    if (stats.isDirectory()) {
      yield* walkFrom(folder, own);
    }
  }
}

function toTexts(names: readonly Buffer[]): readonly {
  readonly name: string;
  readonly isReachable: boolean;
}[] {
  return names
    .map((name) => ({ name: name.toString(), isReachable: isUtf8(name) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
