import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";

import { inDatabase } from "../../src/database/access.js";
import { carrySettings } from "../../src/database/database-settings.js";
import {
  claimDatabase,
  withMaintenance,
} from "../../src/database/maintenance.js";
import {
  closeSession,
  openSession,
  type Session,
} from "../../src/database/session.js";
import {
  findAside,
  nameAside,
  rehearseSettings,
  requireSwapPossible,
  swapDatabases,
  type SwapOptions,
} from "../../src/database/swap.js";
import { usePostgres } from "../helpers/postgres.js";
import { codeOf, errorOf } from "../offsite/describe-storage.js";

const AT = new Date("2024-01-15T14:00:00Z");
const ASIDE = "takumi_before_20240115_140000";

describe("swapping databases", () => {
  const postgres = usePostgres(`
    max_prepared_transactions = 5
    wal_level = logical
    max_worker_processes = 8
  `);
  const psql = (sql: string, database?: string) =>
    postgres.cluster.psql(sql, database);

  beforeEach(() => {
    psql("CREATE DATABASE takumi; CREATE DATABASE fresh");
    psql("CREATE TABLE here AS SELECT 'old' AS what", "takumi");
    psql("CREATE TABLE here AS SELECT 'new' AS what", "fresh");
  });

  afterEach(() => {
    const made = psql(
      "SELECT datname FROM pg_database WHERE datname ~ '^(takumi|fresh|other)'",
    );
    for (const name of made.split("\n").filter(Boolean)) {
      psql(`DROP DATABASE "${name}" WITH (FORCE)`);
    }
  });

  const what = (database: string) => psql("SELECT what FROM here", database);
  const beside = async <T>(work: (session: Session) => Promise<T>) =>
    await withMaintenance(postgres.cluster.access("takumi"), work);

  async function swap(options?: SwapOptions): Promise<void> {
    await beside(async (session) => {
      await swapDatabases(
        session,
        {
          live: "takumi",
          incoming: "fresh",
          aside: await nameAside(session, "takumi", AT),
          prepare: async (within) => {
            await carrySettings(within, "takumi", "fresh");
          },
        },
        options,
      );
    });
  }

  function expectUntouched(): void {
    expect(what("takumi")).to.equal("old");
    expect(what("fresh")).to.equal("new");
    expect(
      psql("SELECT datallowconn FROM pg_database WHERE datname = 'takumi'"),
    ).to.equal("t");
  }

  it("puts the one in the place of the other, and keeps that", async () => {
    await swap();
    expect(what("takumi")).to.equal("new");
    expect(what(ASIDE)).to.equal("old");
    expect(
      psql("SELECT count(*) FROM pg_database WHERE datname = 'fresh'"),
    ).to.equal("0");
    expect(
      await beside(async (session) => await findAside(session, "takumi")),
    ).to.equal(ASIDE);
  });

  it("ends whoever is in them, again and again", async () => {
    const { cluster } = postgres;
    const idle = await openSession(cluster.access("takumi"));
    const busy = await openSession(cluster.access("takumi"));
    const query = busy.query("SELECT pg_sleep(600)").catch(() => undefined);
    const looking = await openSession(cluster.access("fresh"));
    // An application that connects again at once, whatever happens.
    const seen = new Set<string>();
    const over = new AbortController();
    const pool = (async () => {
      while (!over.signal.aborted) {
        try {
          const session = await openSession(cluster.access("takumi"));
          try {
            const [row] = await session.query<{ what: string }>(
              "SELECT what FROM public.here",
            );
            seen.add(row!.what);
            await session.query("SELECT pg_sleep(0.05)");
          } finally {
            await closeSession(session);
          }
        } catch {
          // Ended: it comes again.
        }
      }
    })();
    await swap();
    while (!seen.has("new")) {
      await sleep(10);
    }
    over.abort();
    await Promise.all([pool, query]);
    for (const session of [idle, busy, looking]) {
      await closeSession(session);
    }
    expect(what("takumi")).to.equal("new");
  });

  it("is one transaction: nothing shows of it before its end, and nothing is left if there is none", async () => {
    const { cluster } = postgres;
    await beside(async (session) => {
      await session.query("BEGIN");
      await session.query('ALTER DATABASE takumi RENAME TO "takumi_before"');
      await session.query("ALTER DATABASE fresh RENAME TO takumi");
      expect(
        psql(
          "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE datname ~ '^(takumi|fresh)'",
        ),
      ).to.equal("fresh takumi");
      const waiting = openSession(cluster.access("takumi"));
      while (
        psql(
          "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'object'",
        ) === "0"
      ) {
        await sleep(10);
      }
      // As if this process were killed: nobody says goodbye.
      const stream = (
        session.client as unknown as { connection: { stream: Socket } }
      ).connection.stream;
      stream.destroy();
      await closeSession(await waiting);
    });
    expectUntouched();
  });

  it("carries over what no dump holds", async () => {
    psql(`
      CREATE ROLE "app Owner"; CREATE ROLE reader;
      ALTER DATABASE takumi OWNER TO "app Owner";
      ALTER DATABASE takumi CONNECTION LIMIT 17;
      COMMENT ON DATABASE takumi IS 'it''s the one';
      REVOKE ALL ON DATABASE takumi FROM PUBLIC;
      GRANT CONNECT ON DATABASE takumi TO reader WITH GRANT OPTION;
      ALTER DATABASE takumi SET search_path TO "$user", public, "O'dd, ""one""";
      ALTER DATABASE takumi SET work_mem TO '64MB';
      ALTER DATABASE takumi SET app.tenant TO 'a, b';
      ALTER ROLE reader IN DATABASE takumi SET statement_timeout TO '5s';
    `);
    const facts = (database: string) =>
      psql(`
        SELECT pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database'),
               array(SELECT a::text FROM unnest(datacl) a ORDER BY 1)
          FROM pg_database WHERE datname = '${database}';
        SELECT setrole, setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
         WHERE datname = '${database}' ORDER BY 1`);
    const before = facts("takumi");
    expect(before).to.include("app Owner|17|it's the one");
    await beside(async (session) => {
      await rehearseSettings(session, { live: "takumi", incoming: "fresh" });
    });
    expect(facts("fresh")).to.not.include("17");
    await swap();
    expect(facts("takumi")).to.equal(before);
    expect(facts(ASIDE)).to.equal(before);
    expect(what("takumi")).to.equal("new");
  });

  // The one is renamed already when the other can't be.
  for (const place of ["takumi", "fresh"]) {
    it(`changes nothing while a session in ${place} doesn't end, and says whose it is`, async () => {
      const stuck = await openSession(postgres.cluster.access(place));
      const [row] = await stuck.query<{ pid: number }>(
        "SELECT pg_backend_pid() AS pid",
      );
      process.kill(row!.pid, "SIGSTOP");
      try {
        const error = await errorOf(swap({ patienceMs: 300 }));
        expect(error.code).to.equal("DATABASE_SESSIONS_LEFT");
        expect(error.message).to.include(`process ${String(row!.pid)}`);
      } finally {
        process.kill(row!.pid, "SIGCONT");
      }
      await closeSession(stuck);
      expectUntouched();
      await swap();
      expect(what("takumi")).to.equal("new");
    });
  }

  async function blockedBy(): Promise<string> {
    const error = await errorOf(swap());
    expect(error.code).to.equal("DATABASE_SWAP_BLOCKED");
    expectUntouched();
    return error.message;
  }

  it("is refused for a replication slot", async () => {
    psql(
      "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')",
      "takumi",
    );
    try {
      expect(await blockedBy()).to.include("replication slot feed");
    } finally {
      psql("SELECT pg_drop_replication_slot('feed')", "takumi");
    }
  });

  it("is refused for a prepared transaction", async () => {
    psql(
      "BEGIN; INSERT INTO here VALUES ('x'); PREPARE TRANSACTION 'half done'",
      "takumi",
    );
    try {
      expect(await blockedBy()).to.include("ROLLBACK PREPARED 'half done'");
    } finally {
      psql("ROLLBACK PREPARED 'half done'", "takumi");
    }
  });

  it("is refused for a subscription", async () => {
    psql(
      "CREATE SUBSCRIPTION news CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)",
      "takumi",
    );
    try {
      expect(await blockedBy()).to.include("subscription news");
    } finally {
      psql(
        "ALTER SUBSCRIPTION news SET (slot_name = NONE); DROP SUBSCRIPTION news",
        "takumi",
      );
    }
  });

  it("is refused for a role that may not, and for sessions it may not end", async () => {
    const { cluster } = postgres;
    psql("CREATE ROLE plain LOGIN PASSWORD 'plain'");
    const other = await openSession(cluster.access("takumi"));
    const access = {
      ...cluster.access("takumi"),
      user: "plain",
      password: "plain",
    };
    const error = await errorOf(
      withMaintenance(access, async (session) => {
        await requireSwapPossible(session, "takumi");
      }),
    );
    expect(error.code).to.equal("DATABASE_SWAP_BLOCKED");
    expect(error.message).to.include("plain isn't the owner's, dr_owner");
    expect(error.message).to.include("ALTER ROLE plain CREATEDB");
    expect(error.message).to.include("can only be ended by a superuser");
    await closeSession(other);
  });

  it("is for one at a time, on whichever machine", async () => {
    await beside(async (first) => {
      await claimDatabase(first, "takumi");
      const error = await errorOf(
        beside(async (second) => {
          await claimDatabase(second, "takumi");
        }),
      );
      expect(error.code).to.equal("DATABASE_BUSY");
      expect(error.message).to.include("dr_owner from 127.0.0.1");
      await beside(async (second) => {
        await claimDatabase(second, "other");
      });
    });
    await beside(async (later) => {
      await claimDatabase(later, "takumi");
    });
  });

  it("waits a moment for the session of one that was killed", async () => {
    await beside(async (later) => {
      let claiming: Promise<void> | undefined;
      await beside(async (killed) => {
        await claimDatabase(killed, "takumi");
        claiming = claimDatabase(later, "takumi");
        await sleep(500);
      });
      await claiming;
    });
  });

  it("finds names that are free and not too long", async () => {
    await beside(async (session) => {
      psql(`CREATE DATABASE ${ASIDE}`);
      expect(await nameAside(session, "takumi", AT)).to.equal(
        "takumi_before_20240115_140001",
      );
      expect(await findAside(session, "takumi")).to.equal(ASIDE);
      const longs = ["a", "b"].map((end) => `${"ü".repeat(31)}${end}`);
      for (const live of longs) {
        const long = await nameAside(session, live, AT);
        expect(Buffer.byteLength(long)).to.be.at.most(63);
        expect(long).to.match(/^ü+_[0-9a-f]{8}_before_20240115_140000$/);
        expect(await codeOf(findAside(session, live))).to.equal(
          "DATABASE_NOTHING_TO_UNDO",
        );
        psql(`CREATE DATABASE "${long}"`);
        expect(await findAside(session, live)).to.equal(long);
      }
      expect(await codeOf(findAside(session, "taku"))).to.equal(
        "DATABASE_NOTHING_TO_UNDO",
      );
    });
  });

  it("works beside template1 where the live one is postgres", async () => {
    await withMaintenance(
      postgres.cluster.access("postgres"),
      async ({ access }) => {
        await Promise.resolve(expect(access.database).to.equal("template1"));
      },
    );
    const missing = inDatabase(postgres.cluster.access(), "takumi");
    await withMaintenance(missing, async ({ access }) => {
      await Promise.resolve(expect(access.database).to.equal("postgres"));
    });
  });
});
