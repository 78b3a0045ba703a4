import type { Transform } from "node:stream";
import * as zlib from "node:zlib";

import { CHUNK_BYTES } from "../core/chunk-bytes.js";
import { DrError } from "../core/errors.js";
import { spending } from "../core/hand-over.js";
import { through, type Stage } from "./stage.js";

export const COMPRESSIONS = ["zstd", "gzip"] as const;

export type Compression = (typeof COMPRESSIONS)[number];

/** As `gzip` and `zstd` name their files. */
export const EXTENSIONS: Readonly<Record<Compression, string>> = {
  zstd: ".zst",
  gzip: ".gz",
};

/** With which a compressed file begins. */
const MAGICS: Readonly<Record<Compression, Buffer>> = {
  zstd: Buffer.from("28b52ffd", "hex"),
  gzip: Buffer.from("1f8b08", "hex"),
};

/** @returns undefined when neither begins so. */
export function compressionOf(start: Buffer): Compression | undefined {
  return COMPRESSIONS.find((one) =>
    start.subarray(0, MAGICS[one].length).equals(MAGICS[one]),
  );
}

export function isCompressed(start: Buffer): boolean {
  return compressionOf(start) !== undefined;
}

const ZSTD_LEVEL = 1;
/** Both sides have something to do while the other works. */
const BUFFERS = { chunkSize: CHUNK_BYTES, highWaterMark: 4 * CHUNK_BYTES };
/** Whoever takes what comes out, a database mostly, is slower than this. */
const READ_BUFFERS = { chunkSize: CHUNK_BYTES, highWaterMark: CHUNK_BYTES };

/** @throws {DrError} ZSTD_MISSING with Node before 22.15. */
export function compressing(compression: Compression): Stage {
  return through(spending(createCompressor(compression)));
}

function createCompressor(compression: Compression): Transform {
  if (compression === "gzip") {
    return zlib.createGzip(BUFFERS);
  }
  requireZstd();
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = zlib.constants;
  return zlib.createZstdCompress({
    ...BUFFERS,
    params: {
      [ZSTD_c_compressionLevel]: ZSTD_LEVEL,
      [ZSTD_c_checksumFlag]: 1,
    },
  });
}

/** @throws {DrError} ZSTD_MISSING with Node before 22.15. */
export function decompressing(compression: Compression): Stage {
  if (compression === "gzip") {
    return through(zlib.createGunzip(READ_BUFFERS));
  }
  requireZstd();
  return through(zlib.createZstdDecompress(READ_BUFFERS));
}

/**
 * @param available - Node's own; older ones have less.
 * @throws {DrError} ZSTD_MISSING.
 */
export function requireZstd(
  available: Partial<Pick<typeof zlib, "createZstdCompress">> = zlib,
): void {
  if (available.createZstdCompress === undefined) {
    throw new DrError("ZSTD_MISSING", { node: process.version });
  }
}
