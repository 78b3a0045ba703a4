import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";
import { Client } from "pg";

import { inDatabase, parseDatabaseUrl } from "../../src/database/access.js";
import { withSession } from "../../src/database/session.js";
import type { SessionClient } from "../../src/database/session-client.js";
import { codeOf, errorOf } from "../offsite/describe-storage.js";
import { useEnvironment } from "../helpers/environment.js";
import { withPgBouncer } from "../helpers/pgbouncer.js";
import { usePostgres } from "../helpers/postgres.js";
import { requirePrograms } from "../helpers/programs.js";

describe("a database's URL", () => {
  it("is taken apart as libpq does", () => {
    expect(
      parseDatabaseUrl(
        "postgresql://app:p%40ss@db.example.org:6432/takumi?sslmode=require",
      ),
    ).to.deep.equal({
      host: "db.example.org",
      port: 6432,
      user: "app",
      password: "p@ss",
      database: "takumi",
      ssl: { rejectUnauthorized: false },
      sslOptions: { sslmode: "require" },
    });
    const { host, port } = parseDatabaseUrl("postgres:///takumi?host=/run/pg");
    expect([host, port]).to.deep.equal(["/run/pg", 5432]);
  });

  it("names a database with any characters, as libpq reads it", () => {
    for (const name of ["a=b", "a/b?c#d", "100%", "%3D", 'we"ird, ü: it&s']) {
      const encoded = encodeURIComponent(name);
      for (const url of [
        `postgres://app:p%2Fw@db/${encoded}?sslmode=disable`,
        `postgres:///${encoded}?host=/run/pg`,
      ]) {
        expect(parseDatabaseUrl(url).database).to.equal(name);
      }
    }
  });

  it("is refused without being shown", async () => {
    for (const url of [
      "mysql://app:hunter2@db/takumi",
      "postgres://app:hunter2@db",
      "postgres://app:hunter2@db:notaport/takumi",
      "postgres://app:hunter2@db/takumi?sslmode=verify-full&sslrootcert=/nowhere.pem",
    ]) {
      const error = await errorOf(
        Promise.resolve().then(() => parseDatabaseUrl(url)),
      );
      expect(error.code).to.equal("DATABASE_URL_INVALID");
      expect(JSON.stringify([error.message, error.fix])).not.to.include(
        "hunter2",
      );
    }
  });
});

describe("a session", () => {
  const postgres = usePostgres();
  const environment = useEnvironment();
  const ask = async (access = postgres.cluster.access()) =>
    await withSession(
      access,
      async ({ query }) =>
        await query<{ one: number }>("SELECT $1::int AS one", [1]),
    );

  it("asks the server", async () => {
    expect(await ask()).to.deep.equal([{ one: 1 }]);
  });

  it("isn't ended by how long the role's transactions may take, where servers know that", async function () {
    const { cluster } = postgres;
    if (Number(cluster.psql("SHOW server_version_num")) < 170_000) {
      this.skip();
    }
    cluster.psql(
      `ALTER ROLE ${cluster.user} SET transaction_timeout = '100ms'`,
    );
    try {
      await withSession(cluster.access(), async ({ query }) => {
        await query("BEGIN");
        await query("SELECT pg_sleep(0.3)");
        await query("COMMIT");
      });
    } finally {
      cluster.psql(`ALTER ROLE ${cluster.user} RESET transaction_timeout`);
    }
  });

  it("isn't ended by how long the role's sessions may do nothing", async () => {
    const { cluster } = postgres;
    cluster.psql(
      `ALTER ROLE ${cluster.user} SET idle_session_timeout = '100ms'`,
    );
    try {
      await withSession(cluster.access(), async ({ query }) => {
        await sleep(300);
        await query("SELECT 1");
      });
    } finally {
      cluster.psql(`ALTER ROLE ${cluster.user} RESET idle_session_timeout`);
    }
  });

  it("sees values the same whatever is set for the role", async () => {
    const { cluster } = postgres;
    cluster.psql(
      `ALTER ROLE ${cluster.user} SET TimeZone = 'Asia/Tokyo';
       ALTER ROLE ${cluster.user} SET DateStyle = 'German';
       ALTER ROLE ${cluster.user} SET bytea_output = 'escape';
       ALTER ROLE ${cluster.user} SET extra_float_digits = -3;`,
    );
    try {
      const [row] = await withSession(
        cluster.access(),
        async ({ query }) =>
          await query(
            `SELECT '2024-01-15 14:00+00'::timestamptz::text AS at,
                    '\\x00ff'::bytea::text AS bytes, (0.1::float8 + 0.2)::text AS sum`,
          ),
      );
      expect(row).to.deep.equal({
        at: "2024-01-15 14:00:00+00",
        bytes: "\\x00ff",
        sum: "0.30000000000000004",
      });
    } finally {
      cluster.psql(`ALTER ROLE ${cluster.user} RESET ALL`);
    }
  });

  it("isn't opened with a wrong password, which is never shown", async () => {
    const error = await errorOf(
      ask({ ...postgres.cluster.access(), password: "hunter2" }),
    );
    expect(error.code).to.equal("DATABASE_DENIED");
    expect(`${error.message} ${error.fix}`).not.to.include("hunter2");
  });

  it("says when the server asks for a password that the URL hasn't got", async () => {
    const { password, ...access } = postgres.cluster.access();
    for (const given of [{}, { password: "" }]) {
      const error = await errorOf(ask({ ...access, ...given }));
      expect(error.code).to.equal("DATABASE_DENIED");
      expect(error.message).to.include("asks for a password");
    }
    expect(password).not.to.equal("");
  });

  it("says that there is no such database, or no such server", async () => {
    const access = postgres.cluster.access();
    expect(await codeOf(ask(inDatabase(access, "nowhere")))).to.equal(
      "DATABASE_MISSING",
    );
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    expect(await codeOf(ask({ ...access, port }))).to.equal(
      "DATABASE_UNREACHABLE",
    );
  });

  it("isn't opened with a server whose catalogue lacks what is asked", async () => {
    let isEnded = false;
    const client = {
      query: async () =>
        await Promise.resolve({ rows: [{ major: 12, version: "12.22" }] }),
      end: async () => {
        isEnded = true;
        await Promise.resolve();
      },
    } as unknown as SessionClient;
    const error = await errorOf(
      ask({
        ...postgres.cluster.access(),
        embedded: { name: "old", connect: () => client },
      }),
    );
    expect(error.code).to.equal("DATABASE_SERVER_TOO_OLD");
    expect(error.message).to.include("12.22");
    expect(isEnded).to.equal(true);
  });

  it("isn't opened through a pooler that hands its connections around, and leaves nothing set in them", async function () {
    requirePrograms(this, "pgbouncer");
    const { cluster } = postgres;
    await withPgBouncer(cluster, "transaction", async (access) => {
      expect(await codeOf(ask(access))).to.equal("DATABASE_POOLED");
      const app = new Client(access);
      await app.connect();
      const { rows } = await app.query("SHOW search_path");
      await app.end();
      expect(rows).to.deep.equal([{ search_path: '"$user", public' }]);
    });
    await withPgBouncer(cluster, "session", async (access) => {
      expect(await ask(access)).to.deep.equal([{ one: 1 }]);
    });
  });

  it("takes nothing of the user's own PG… but that TLS is wanted", async () => {
    const { password = "", ...access } = postgres.cluster.access();
    environment.set("PGOPTIONS", "-c default_transaction_read_only=on");
    environment.set("PGSSLMODE", "prefer");
    environment.set("PGPASSWORD", password);
    const [row] = await withSession(
      postgres.cluster.access(),
      async ({ query }) => await query("SHOW default_transaction_read_only"),
    );
    expect(row).to.deep.equal({ default_transaction_read_only: "off" });
    expect(await codeOf(ask(access))).to.equal("DATABASE_DENIED");
    expect(process.env.PGPASSWORD).to.equal(password);
    environment.set("PGSSLMODE", "require");
    expect(await codeOf(ask())).to.equal("DATABASE_TLS_FAILED");
  });

  it("goes without TLS only where it is preferred, and not required", async () => {
    const { cluster } = postgres;
    for (const mode of ["prefer", "allow"]) {
      const access = parseDatabaseUrl(`${cluster.url()}?sslmode=${mode}`);
      expect(await ask(access)).to.deep.equal([{ one: 1 }]);
    }
    const access = parseDatabaseUrl(`${cluster.url()}?sslmode=require`);
    expect(await codeOf(ask(access))).to.equal("DATABASE_TLS_FAILED");
  });

  it("passes on what the server says", async () => {
    const error = await errorOf(
      withSession(
        postgres.cluster.access(),
        async ({ query }) => await query("SELECT * FROM nowhere"),
      ),
    );
    expect(error.code).to.equal("DATABASE_FAILED");
    expect(error.message).to.include('relation "nowhere" does not exist');
  });

  it("knows a role that may not, and a connection that is lost", async () => {
    const { cluster } = postgres;
    cluster.psql("CREATE ROLE reader LOGIN PASSWORD 'r'; CREATE TABLE t ()");
    const reader = { ...cluster.access(), user: "reader", password: "r" };
    expect(
      await codeOf(
        withSession(reader, async ({ query }) => await query("TABLE public.t")),
      ),
    ).to.equal("DATABASE_DENIED");
    expect(
      await codeOf(
        withSession(
          cluster.access(),
          async ({ query }) =>
            await query("SELECT pg_terminate_backend(pg_backend_pid())"),
        ),
      ),
    ).to.equal("DATABASE_UNREACHABLE");
  });
});
