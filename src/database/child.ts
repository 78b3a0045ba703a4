import { spawn } from "node:child_process";
import { once } from "node:events";
import { pipeline, Transform, type Readable, type Writable } from "node:stream";

import { DrError, messageOf } from "../core/errors.js";
import { handOver } from "../core/hand-over.js";
import type { Access } from "./access.js";

/** One of PostgreSQL's own programs at work. */
export interface Child {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** @throws {DrError} DATABASE_TOOL_FAILED unless it ended well; the signal's reason when it was called off. */
  readonly ended: Promise<void>;
}

export interface ChildOptions {
  /** Where it connects to. */
  readonly access: Access;
  readonly signal?: AbortSignal;
}

/** Of what it says on stderr: the end says why. */
const KEPT_CHARACTERS = 4096;
const PATIENCE_MS = 5000;

/**
 * Starts a program of PostgreSQL. It learns where to connect, and the
 * password, from its environment: arguments can be read by everybody.
 *
 * @param path - The program's.
 */
export function startChild(
  path: string,
  args: readonly string[],
  { access, signal }: ChildOptions,
): Child {
  const child = spawn(path, args, {
    env: environmentFor(access),
    stdio: ["pipe", "pipe", "pipe"],
    ...(signal === undefined ? {} : { signal }),
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-KEPT_CHARACTERS);
  });
  // Whoever writes to it learns how it ended from `ended`.
  child.stdin.on("error", () => undefined);
  const ended = waitFor(child, path, () => said, signal);
  ended.catch(() => undefined);
  // Node throws away what nobody has begun to read when the program ends.
  const stdout = new Transform({
    transform: (chunk: Buffer, _, done) => {
      done(null, handOver(chunk));
    },
  });
  pipeline(child.stdout, stdout, () => undefined);
  return { stdin: child.stdin, stdout, ended };
}

/** What it says on stdout; for what is short. @throws {DrError} DATABASE_TOOL_FAILED. */
export async function readChild(
  path: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<string> {
  const { stdin, stdout, ended } = startChild(path, args, options);
  stdin.end();
  const chunks: Buffer[] = [];
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    chunks.push(chunk);
  }
  await ended;
  return Buffer.concat(chunks).toString();
}

async function waitFor(
  child: ReturnType<typeof spawn>,
  path: string,
  said: () => string,
  interruption: AbortSignal | undefined,
): Promise<void> {
  let code: number | null;
  let signal: string | null;
  try {
    [code, signal] = (await once(child, "close")) as [
      number | null,
      string | null,
    ];
  } catch (error) {
    await untilGone(child);
    interruption?.throwIfAborted();
    const reason = messageOf(error);
    throw new DrError(
      "DATABASE_TOOL_FAILED",
      { tool: path, reason },
      { cause: error },
    );
  }
  if (code !== 0) {
    const end = signal ?? `exit code ${String(code)}`;
    const reason = said().trim() || "it says nothing";
    throw new DrError("DATABASE_TOOL_FAILED", {
      tool: path,
      reason: `${reason} (${end})`,
    });
  }
}

/** What was called off may write for a moment longer, and wait for a server that doesn't answer. */
async function untilGone(child: ReturnType<typeof spawn>): Promise<void> {
  const { pid, exitCode, signalCode } = child;
  if (pid !== undefined && exitCode === null && signalCode === null) {
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    await once(child, "exit");
    clearTimeout(timer);
  }
}

/** Nothing of the user's own PG… is passed on: it would lead elsewhere. */
function environmentFor(access: Access): NodeJS.ProcessEnv {
  const { host, port, user, password, database, sslOptions } = access;
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("PG"),
  );
  const ssl = Object.entries(sslOptions).map(
    ([name, value]) => [`PG${name.toUpperCase()}`, value] as const,
  );
  return {
    ...Object.fromEntries(own),
    LC_ALL: "C",
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    PGAPPNAME: "hardhat-dr",
    PGCONNECT_TIMEOUT: "10",
    // Not from the user's ~/.pgpass either; libpq complains of a file that is none.
    PGPASSFILE: "/dev/null/none",
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    ...Object.fromEntries(ssl),
  };
}
