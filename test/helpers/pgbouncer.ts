import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Access } from "../../src/database/access.js";
import {
  freePort,
  identity,
  isRoot,
  UNPRIVILEGED,
  type PostgresCluster,
} from "./postgres.js";
import { until } from "./until.js";

/** PgBouncer in front of a server, on a free port, while work is done. */
export async function withPgBouncer<T>(
  cluster: PostgresCluster,
  poolMode: "session" | "transaction",
  work: (access: Access) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "hardhat-dr-pgbouncer-"));
  const port = await freePort();
  const { host, user, password } = cluster;
  const quoted = `'${password.replaceAll("'", "''")}'`;
  const file = join(folder, "pgbouncer.ini");
  await writeFile(
    file,
    `[databases]
* = host=${host} port=${String(cluster.port)} user=${user} password=${quoted}
[pgbouncer]
listen_addr = ${host}
listen_port = ${String(port)}
unix_socket_dir =
auth_type = any
pool_mode = ${poolMode}
`,
  );
  if (isRoot()) {
    await chown(folder, UNPRIVILEGED, UNPRIVILEGED);
  }
  const pooler = spawn("pgbouncer", [file], { stdio: "ignore", ...identity() });
  try {
    await until(async () => await answers(host, port));
    return await work({ ...cluster.access(), port });
  } finally {
    await end(pooler);
    await rm(folder, { recursive: true, force: true });
  }
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function end(pooler: ChildProcess): Promise<void> {
  if (pooler.exitCode === null && pooler.kill()) {
    await once(pooler, "exit");
  }
}
