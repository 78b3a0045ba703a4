import { Readable } from "node:stream";

const WORDS =
  "solidity react typescript audits security design backend frontend testing deployment governance research writing mentoring analytics infrastructure wallet protocol bridge oracle indexer community product strategy delivery reviews mobile cloud databases performance".split(
    " ",
  );
/** Far more than any compressor's window: what repeats isn't seen to. */
const BLOCK_BYTES = 16 * 2 ** 20;
const CHUNK_BYTES = 2 ** 20;

/**
 * SQL as pg_dump writes it, the same each time: rows of profiles, endorsements
 * and claims, with addresses, times, scores and sentences.
 */
export function sqlText(sizeBytes: number): Readable {
  return Readable.from(chunksOf(sizeBytes), { objectMode: false });
}

function* chunksOf(sizeBytes: number): Generator<Buffer> {
  const block = makeBlock(Math.min(sizeBytes, BLOCK_BYTES));
  for (let sent = 0; sent < sizeBytes;) {
    const start = sent % block.length;
    const end = Math.min(
      start + CHUNK_BYTES,
      block.length,
      start + sizeBytes - sent,
    );
    yield block.subarray(start, end);
    sent += end - start;
  }
}

function makeBlock(sizeBytes: number): Buffer {
  const block = Buffer.alloc(sizeBytes);
  const random = new Random();
  let filled = 0;
  for (let row = 1; filled < sizeBytes; row += 1) {
    filled += block.write(rowOf(row, random), filled, "latin1");
  }
  return block;
}

/** Columns are parted by tabs, as COPY has them. */
function rowOf(row: number, random: Random): string {
  const words = Array.from(
    { length: 6 + random.below(10) },
    () => WORDS[random.below(WORDS.length)],
  );
  const columns = [
    row,
    `0x${random.hex(40)}`,
    words[0],
    words.join(" "),
    random.below(100),
    `2024-0${1 + random.below(9)}-1${random.below(10)} ${10 + random.below(14)}:${10 + random.below(50)}:${10 + random.below(50)}.${random.below(1_000_000)}+00`,
    random.below(2) === 0 ? "t" : "\\N",
    `0x${random.hex(64)}`,
  ];
  return `${columns.join("\t")}\n`;
}

/** Small, quick, and the same each time (mulberry32). */
class Random {
  #state = 1;

  /** @param end - Not part of it. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  hex(length: number): string {
    let digits = "";
    while (digits.length < length) {
      digits += this.below(2 ** 32)
        .toString(16)
        .padStart(8, "0");
    }
    return digits.slice(0, length);
  }
}
