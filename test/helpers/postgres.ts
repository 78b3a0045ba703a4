import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chownSync, existsSync, readdirSync } from "node:fs";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { parseDatabaseUrl, type Access } from "../../src/database/access.js";

const USER = "dr_owner";
const PASSWORD = "it's @ secret/%";
/** The server refuses to run as root. */
export const UNPRIVILEGED = 65_534;
const READY_MS = 30_000;

/**
 * Runs a server as long as whoever started it is there to keep its stdin open,
 * however that one ends. It then goes `immediate`: SIGKILL would leave its
 * children at work.
 */
const UNTIL_STDIN_ENDS = `
exec 3<&0
"$0" "$@" 3<&- & server=$!
{ cat <&3 >/dev/null; kill -QUIT $server; } &
wait $server`;

/** A PostgreSQL server of its own in a temporary folder, on a free port, which asks for a password. */
export class PostgresCluster {
  readonly host = "127.0.0.1";
  readonly user = USER;
  readonly password = PASSWORD;
  readonly port: number;
  /** Holds the cluster in `data`. */
  readonly folder: string;
  #server: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
  }

  /** Whether PostgreSQL's server is on this machine. */
  static isPossible(): boolean {
    return serverPrograms() !== undefined;
  }

  /** @param settings - More lines of postgresql.conf. */
  static async start(settings = ""): Promise<PostgresCluster> {
    const folder = await mkdtemp(join(tmpdir(), "hardhat-dr-postgres-"));
    const cluster = new PostgresCluster(folder, await freePort());
    if (isRoot()) {
      chownSync(folder, UNPRIVILEGED, UNPRIVILEGED);
    }
    await writeFile(join(folder, "password"), PASSWORD, { mode: 0o644 });
    cluster.#run("initdb", [
      `--pgdata=${join(folder, "data")}`,
      `--username=${USER}`,
      `--pwfile=${join(folder, "password")}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync",
    ]);
    await writeFile(
      join(folder, "data/postgresql.auto.conf"),
      `
        listen_addresses = '127.0.0.1'
        port = ${String(cluster.port)}
        unix_socket_directories = ''
        fsync = off
        synchronous_commit = off
        full_page_writes = off
        max_connections = 40
        ${settings}
      `,
    );
    await cluster.resume();
    return cluster;
  }

  /** A second server that follows this one. */
  async startStandby(): Promise<PostgresCluster> {
    const folder = await mkdtemp(join(tmpdir(), "hardhat-dr-standby-"));
    const standby = new PostgresCluster(folder, await freePort());
    if (isRoot()) {
      chownSync(folder, UNPRIVILEGED, UNPRIVILEGED);
    }
    const data = join(folder, "data");
    standby.#run(
      "pg_basebackup",
      [
        "--pgdata",
        data,
        "--checkpoint=fast",
        "--no-sync",
        "--write-recovery-conf",
      ],
      {
        PGHOST: this.host,
        PGPORT: String(this.port),
        PGUSER: this.user,
        PGPASSWORD: this.password,
      },
    );
    await appendFile(
      join(data, "postgresql.auto.conf"),
      `port = ${String(standby.port)}\n`,
    );
    await standby.resume();
    return standby;
  }

  /** Of a database; `postgres` is always there. */
  url(database = "postgres"): string {
    const [user, password] = [this.user, this.password].map(encodeURIComponent);
    return `postgres://${user}:${password}@${this.host}:${String(this.port)}/${database}`;
  }

  access(database = "postgres"): Access {
    return parseDatabaseUrl(this.url(database));
  }

  /** With the client of this machine, which is the witness. @returns what it prints, without headings. */
  psql(sql: string, database = "postgres"): string {
    const { stdout, stderr, status } = spawnSync(
      join(serverPrograms() ?? "", "psql"),
      ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
      {
        input: sql,
        encoding: "utf8",
        maxBuffer: 64 * 2 ** 20,
        env: {
          ...process.env,
          PGHOST: this.host,
          PGPORT: String(this.port),
          PGUSER: this.user,
          PGPASSWORD: this.password,
          PGDATABASE: database,
        },
      },
    );
    if (status !== 0) {
      throw new Error(stderr);
    }
    return stdout.trim();
  }

  /** Starts it again after {@link halt}. */
  async resume(): Promise<void> {
    const path = join(serverPrograms() ?? "", "postgres");
    const data = join(this.folder, "data");
    this.#server = spawn("sh", ["-c", UNTIL_STDIN_ENDS, path, "-D", data], {
      stdio: ["pipe", "ignore", "ignore"],
      cwd: this.folder,
      ...identity(),
    });
    await this.#waitUntilReady();
  }

  /** It crashes: connections are lost, nothing is written to its end. */
  async halt(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server?.exitCode === null) {
      server.stdin?.end();
      await once(server, "exit");
    }
  }

  async stop(): Promise<void> {
    await this.halt();
    await rm(this.folder, { recursive: true, force: true });
  }

  #run(
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): void {
    const { status, stderr } = spawnSync(
      join(serverPrograms() ?? "", name),
      args,
      {
        encoding: "utf8",
        cwd: this.folder,
        env: { ...process.env, ...env },
        ...identity(),
      },
    );
    if (status !== 0) {
      throw new Error(stderr);
    }
  }

  async #waitUntilReady(): Promise<void> {
    const until = performance.now() + READY_MS;
    for (;;) {
      try {
        this.psql("SELECT 1");
        return;
      } catch (error) {
        if (performance.now() > until) {
          throw error;
        }
        await sleep(50);
      }
    }
  }
}

/** For a `describe`: a server before its tests; they are skipped where there is none. */
export function usePostgres(settings?: string): { cluster: PostgresCluster } {
  const scene = {} as { cluster: PostgresCluster };
  before(async function () {
    if (!PostgresCluster.isPossible()) {
      this.skip();
    }
    scene.cluster = await PostgresCluster.start(settings);
  });
  after(async () => {
    await (scene.cluster as PostgresCluster | undefined)?.stop();
  });
  return scene;
}

/** The folder of the newest version's, or the one that `POSTGRES_PROGRAMS` names. */
export function serverPrograms(): string | undefined {
  const named = process.env.POSTGRES_PROGRAMS;
  if (named !== undefined) {
    return named;
  }
  const place = "/usr/lib/postgresql";
  const onPath = (process.env.PATH ?? "").split(":");
  const packaged = existsSync(place)
    ? readdirSync(place)
        .toSorted((a, b) => Number(b) - Number(a))
        .map((version) => join(place, version, "bin"))
    : [];
  return [...packaged, ...onPath].find((folder) =>
    existsSync(join(folder, "initdb")),
  );
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

export function identity(): { uid?: number; gid?: number } {
  return isRoot() ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
