/** Of the NVM Express polynomial, bits reversed: the highest bit is the coefficient of x⁰. */
const POLYNOMIAL = 0x9a6c_9329_ac4b_c9b5n;
const ONE = 1n << 63n;
const X_TO_THE_8 = ONE >> 8n;

/** What comes to the register from a byte that is followed by so many others. */
const STRIDE = 8;
const [LOW, HIGH] = makeTables();

/** Bytes whose checksum is known. */
export interface Summed {
  readonly crc64Nvme: bigint;
  readonly sizeBytes: number;
}

/**
 * CRC-64/NVME, the checksum that S3 keeps of whole objects, and Azure compares
 * blocks by.
 *
 * @see NVM Express, NVM Command Set Specification, "64b CRC"
 */
export function crc64Nvme(bytes: Uint8Array): bigint {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % STRIDE);
  // Halves, because a 64-bit integer would be a BigInt, and slow.
  let low = -1;
  let high = -1;
  let at = 0;
  for (; at < whole; at += STRIDE) {
    const a = low ^ words.getInt32(at, true);
    const b = high ^ words.getInt32(at + 4, true);
    const i0 = 1792 | (a & 255);
    const i1 = 1536 | ((a >>> 8) & 255);
    const i2 = 1280 | ((a >>> 16) & 255);
    const i3 = 1024 | (a >>> 24);
    const i4 = 768 | (b & 255);
    const i5 = 512 | ((b >>> 8) & 255);
    const i6 = 256 | ((b >>> 16) & 255);
    const i7 = b >>> 24;
    low =
      (LOW[i0] ?? 0) ^
      (LOW[i1] ?? 0) ^
      (LOW[i2] ?? 0) ^
      (LOW[i3] ?? 0) ^
      (LOW[i4] ?? 0) ^
      (LOW[i5] ?? 0) ^
      (LOW[i6] ?? 0) ^
      (LOW[i7] ?? 0);
    high =
      (HIGH[i0] ?? 0) ^
      (HIGH[i1] ?? 0) ^
      (HIGH[i2] ?? 0) ^
      (HIGH[i3] ?? 0) ^
      (HIGH[i4] ?? 0) ^
      (HIGH[i5] ?? 0) ^
      (HIGH[i6] ?? 0) ^
      (HIGH[i7] ?? 0);
  }
  for (; at < bytes.length; at += 1) {
    const index = (low ^ (bytes[at] ?? 0)) & 255;
    low = ((low >>> 8) | (high << 24)) ^ (LOW[index] ?? 0);
    high = (high >>> 8) ^ (HIGH[index] ?? 0);
  }
  return toBigInt(~high, ~low);
}

/** Of bytes that come one after the other, from the checksums of each. */
export function crc64NvmeOfAll(parts: readonly Summed[]): bigint {
  const shifts = new Map<number, bigint>();
  return parts.reduce((sum, { crc64Nvme: next, sizeBytes }) => {
    const shift = shifts.get(sizeBytes) ?? powerOfX8(sizeBytes);
    shifts.set(sizeBytes, shift);
    return multiply(sum, shift) ^ next;
  }, 0n);
}

/** As S3 writes it: eight bytes, the highest first, in Base64. */
export function formatCrc64Nvme(sum: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(sum);
  return bytes.toString("base64");
}

/** One table for each place in a stride, one after the other, in two halves. */
function makeTables(): readonly [Int32Array, Int32Array] {
  const low = new Int32Array(STRIDE * 256);
  const high = new Int32Array(STRIDE * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let sum = BigInt(byte);
    for (let place = 0; place < STRIDE; place += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        sum = timesX(sum);
      }
      low[place * 256 + byte] = Number(BigInt.asIntN(32, sum));
      high[place * 256 + byte] = Number(BigInt.asIntN(32, sum >> 32n));
    }
  }
  return [low, high];
}

function toBigInt(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Modulo the polynomial, like the rest. */
function timesX(a: bigint): bigint {
  return (a & 1n) === 0n ? a >> 1n : (a >> 1n) ^ POLYNOMIAL;
}

function multiply(a: bigint, b: bigint): bigint {
  let product = 0n;
  let power = b;
  for (let bit = ONE; bit > 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) {
      product ^= power;
    }
    power = timesX(power);
  }
  return product;
}

/** x⁸ to the n-th: what a checksum is multiplied with when n bytes follow. */
function powerOfX8(n: number): bigint {
  let power = ONE;
  let square = X_TO_THE_8;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) {
      power = multiply(power, square);
    }
    square = multiply(square, square);
  }
  return power;
}
