import { readdir } from "node:fs/promises";

import { formatArtifactName } from "../artifact/name.js";
import type { ArtifactPlace } from "../artifact/write-artifact.js";

/** What the next snapshot is called, and the place at the moment of its name. */
export interface ReservedName {
  readonly name: string;
  readonly place: ArtifactPlace;
}

/** Names have seconds: of those after this one, the first is free. */
const ATTEMPTS = 3;

/**
 * The name of a snapshot before it is taken, so that it can be journaled. Where
 * another one was taken in this very second, the next is waited for.
 */
export async function reserveName(place: ArtifactPlace): Promise<ReservedName> {
  const { clock, folder } = place;
  // Where it can't be listed, writing says why.
  const taken = await readdir(folder).catch((): string[] => []);
  let reserved = reserveAt(place, clock.now());
  for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
    if (!taken.includes(reserved.name)) {
      return reserved;
    }
    await clock.sleep(1000 - clock.now().getMilliseconds());
    reserved = reserveAt(place, clock.now());
  }
  return reserved;
}

function reserveAt(place: ArtifactPlace, now: Date): ReservedName {
  const { project, compression, encryption, clock } = place;
  return {
    name: formatArtifactName({
      project,
      kind: "contracts",
      at: now,
      compression,
      encrypted: encryption !== undefined,
    }),
    place: {
      ...place,
      clock: {
        now: () => now,
        sleep: async (...args) => {
          await clock.sleep(...args);
        },
      },
    },
  };
}
