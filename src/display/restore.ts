import type { Json } from "../core/canonical-json.js";
import type { PreparedRestore } from "../backup/prepare-restore.js";
import type { Replaced } from "../backup/swap.js";
import { count, formatBytes, type Paint } from "./text.js";

/** What a restore will do. */
export function formatRestore(prepared: PreparedRestore, paint: Paint): string {
  const { name, createdAt, chain, index, places } = prepared;
  const { files, sizeBytes } = extentOf(prepared);
  const bases = chain.slice(1).map((link) => link.name);
  const [newest] = chain;
  const provenance = newest?.checked.provenance;
  return [
    `${paint("bold", name)}: ${count(files, "file")}, ${formatBytes(sizeBytes)}, as of ${createdAt}`,
    provenance?.status === "signed"
      ? `  signed by ${provenance.publicKey}`
      : "  signed by nobody",
    ...bases.map((base) => `  builds on ${base}`),
    ...places.map(
      ({ root, to, isThere }) =>
        `  ${root} → ${to}${isThere ? paint("yellow", ", in the place of what is there; that is put aside") : ""}`,
    ),
    ...index.leftOut.map(({ path, reason }) => `  without ${path}: ${reason}`),
    "",
  ].join("\n");
}

/** What a restore did. */
export function formatReplaced(
  replaced: readonly Replaced[],
  paint: Paint,
): string {
  return replaced
    .map(
      ({ to, aside }) =>
        `${paint("green", "✔")} ${to}${aside === undefined ? "" : `; what was there is ${aside}`}\n`,
    )
    .join("");
}

/**
 * For `--json`.
 *
 * @param replaced - Undefined: nothing was done.
 */
export function restoreToJson(
  prepared: PreparedRestore,
  replaced: readonly Replaced[] | undefined,
): Json {
  const { name, kind, createdAt, chain, index, places } = prepared;
  return {
    name,
    kind,
    createdAt,
    chain: chain.map((link) => link.name),
    ...extentOf(prepared),
    places: places.map((place) => ({ ...place })),
    leftOut: index.leftOut.map((one) => ({ ...one })),
    restored: replaced?.map((one) => ({ ...one })) ?? null,
  };
}

function extentOf({ index }: PreparedRestore): {
  readonly files: number;
  readonly sizeBytes: number;
} {
  const files = index.entries.filter((entry) => entry.type === "file");
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  return { files: files.length, sizeBytes };
}
