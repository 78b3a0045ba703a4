import type { Session } from "./session.js";
import type { ToolVersion } from "./tools.js";

/** The server's, in the form of its programs'. */
export async function readServerVersion({
  query,
}: Session): Promise<ToolVersion> {
  const [row] = await query<{ number: number }>(
    "SELECT current_setting('server_version_num')::int AS number",
  );
  const number = row?.number ?? 0;
  return { major: Math.floor(number / 10_000), minor: number % 10_000 };
}
