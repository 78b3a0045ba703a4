import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The commit that a folder's repository is at; null where there is no git, or no repository. */
export async function readCommit(folder: string): Promise<string | null> {
  try {
    const run = promisify(execFile);
    const { stdout } = await run("git", ["rev-parse", "HEAD"], { cwd: folder });
    return stdout.trim();
  } catch {
    return null;
  }
}
