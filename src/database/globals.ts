import { isDrError } from "../core/errors.js";
import type { Access } from "./access.js";
import { readChild } from "./child.js";
import { findTool } from "./tools.js";

/** What belongs to the whole server: roles, who is a member of what, tablespaces. */
export interface Globals {
  /** For psql, without passwords; absent where the server doesn't let them be read. */
  readonly sql?: string;
  /** What isn't in it, and why: sentences. */
  readonly notices: readonly string[];
}

/** It goes into a manifest, which is read in one piece. */
const LARGEST = 1_048_576;

/**
 * `ALTER ROLE app SET "app.jwt_secret" TO '…';`: settings of the user's own, by
 * their dot. They are where PostgREST and others keep secrets, and a manifest
 * isn't encrypted.
 */
const OWN_SETTING =
  /^ALTER ROLE (?<role>"(?:[^"]|"")*"|[^\s"]+) SET (?<name>"[^"]*\.[^"]*"|[^\s"]+\.[^\s"]+) TO (?:'(?:[^']|'')*'|[^';])+;\n/gm;

/**
 * Reads roles and grants, without passwords. Servers that others manage may not
 * allow it: that is told, and no failure.
 *
 * @throws the signal's reason.
 */
export async function readGlobals(
  access: Access,
  serverMajor: number,
  signal: AbortSignal,
): Promise<Globals> {
  try {
    const { path } = await findTool("pg_dumpall", serverMajor);
    const args = ["--globals-only", "--no-role-passwords"];
    const database = [`--database=${toConnectionString(access)}`];
    return withoutSecrets(
      await readChild(path, [...args, ...database], { access, signal }),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!isDrError(error)) {
      throw error;
    }
    return { notices: [`Without roles and grants: ${error.message}`] };
  }
}

/** A name with `=` in it, or like a URL, would be taken for one of these. */
function toConnectionString({ database }: Access): string {
  return `dbname='${database.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}

function withoutSecrets(text: string): Globals {
  const notices: string[] = [];
  const sql = text.replaceAll(OWN_SETTING, (_, role: string, name: string) => {
    notices.push(
      `Without the setting ${name} of ${role}: it may be a secret, and a manifest isn't encrypted.`,
    );
    return "";
  });
  return Buffer.byteLength(sql) > LARGEST
    ? { notices: ["Without roles and grants: they are too many."] }
    : { sql, notices };
}
