import type { DrConfig } from "../config/types.js";
import type { Engine } from "./engine.js";

/**
 * The engine of the configured database, which isn't asked anything yet.
 *
 * @param project - The project's folder, absolute.
 */
export async function openEngine(
  config: DrConfig,
  project: string,
): Promise<Engine> {
  switch (config.database?.engine) {
    // What needs a database says itself that there is none.
    case undefined:
    case "postgres": {
      const { openPostgres } = await import("./engines/postgres.js");
      return openPostgres(config, project);
    }
    case "pglite": {
      const { openPGlite } = await import("./engines/pglite.js");
      return openPGlite(config, project);
    }
    case "pgbackrest": {
      const { openPgbackrest } = await import("./engines/pgbackrest.js");
      return openPgbackrest(config, project);
    }
  }
}
