import { posix } from "node:path";

/**
 * Whether a path stays in the folder that it is unpacked into, also where `\`
 * stands between folders. Elsewhere that may be part of a name.
 */
export function isInside(
  name: string,
  platform: NodeJS.Platform = process.platform,
): boolean {
  const paths = [name, name.replaceAll("\\", "/")];
  return (
    !(platform === "win32" && name.includes("\\")) &&
    !/^[A-Za-z]:|\0/.test(name) &&
    paths.every((path) => !path.startsWith("/") && !leadsOut(path))
  );
}

function leadsOut(path: string): boolean {
  const normal = posix.normalize(path.replace(/\/+$/, ""));
  return [".", "..", ""].includes(normal) || normal.startsWith("../");
}

/**
 * Whether a link stays there too. It may point to whatever is in the archive,
 * also if it isn't there. It goes up only at its start, where its path has real
 * folders: `a/..` leads elsewhere when `a` is a link.
 */
export function isLinkInside(path: string, target: string): boolean {
  const resolved = posix.normalize(posix.join(posix.dirname(path), target));
  const isOut = resolved === ".." || resolved.startsWith("../");
  const isStrange = target === "" || /^\/|[\0\\]/.test(target);
  return !isOut && !isStrange && !goesUpLater(target);
}

function goesUpLater(target: string): boolean {
  const parts = target.split("/").filter((part) => !["", "."].includes(part));
  const down = parts.findIndex((part) => part !== "..");
  return down >= 0 && parts.slice(down).includes("..");
}

export function linkedOut(target: string): string {
  return `it is a link to ${target}, out of the archive`;
}
