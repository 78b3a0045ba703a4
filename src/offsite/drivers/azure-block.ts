import { createHash } from "node:crypto";

import { Measure, requireExtent } from "../../artifact/measure.js";
import { blockBytesOf, blocksOf } from "../blocks.js";
import { crc64Nvme } from "../crc64-nvme.js";
import type { Source } from "../storage.js";

/** A part of an object, on its way. */
export interface AzureBlock {
  /** Base64. Of the same id are the same bytes at the same place. */
  readonly id: string;
  /** As Azure writes it: eight bytes, the lowest first. */
  readonly crc64: Buffer;
  readonly bytes: Buffer;
}

/** Azure's limit. */
const MOST_BLOCKS = 50_000;

/** Of a whole object, as its bytes come by. */
export class Digest {
  readonly #measure = new Measure();
  readonly #md5 = createHash("md5");

  add(bytes: Buffer): void {
    this.#measure.add(bytes);
    this.#md5.update(bytes);
  }

  /** @returns its MD5. @throws {DrError} ARTIFACT_DAMAGED when it isn't what its source says. */
  require(key: string, source: Source): Buffer {
    requireExtent(key, source, this.#measure.extent());
    return this.#md5.digest();
  }
}

/**
 * The blocks of an object, one after the other; the same each time.
 *
 * @param leastBytes - Of a block, unless there would be too many.
 * @param digest - Told of all that comes by.
 */
export async function* azureBlocksOf(
  source: Source,
  leastBytes: number,
  digest: Digest,
): AsyncGenerator<AzureBlock> {
  const blockBytes = blockBytesOf(source.sizeBytes, leastBytes, MOST_BLOCKS);
  let index = 0;
  for await (const bytes of blocksOf(source, blockBytes)) {
    digest.add(bytes);
    const crc64 = Buffer.alloc(8);
    crc64.writeBigUInt64LE(crc64Nvme(bytes));
    yield { id: idOf(index, crc64), crc64, bytes };
    index += 1;
  }
}

/** Those of one object must be of one length. */
function idOf(index: number, crc64: Buffer): string {
  const place = Buffer.alloc(4);
  place.writeUInt32BE(index);
  return Buffer.concat([place, crc64]).toString("base64");
}
