import { hostname, userInfo } from "node:os";

/** The user this process runs as. A container's often has a number and no name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${String(process.getuid?.() ?? "")}`;
  }
}

/** `user@host`, as journals record it. */
export function whoRuns(): string {
  return `${userName()}@${hostname()}`;
}
