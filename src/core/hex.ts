/** `0x` and hexadecimal digits. */
export type Hex = `0x${string}`;

/** A 20-byte address. Ours are EIP-55 checksummed; compare with {@link sameAddress}. */
export type Address = Hex;

export const ZERO_ADDRESS: Address =
  "0x0000000000000000000000000000000000000000";

export function sameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** The address in the low 20 bytes of a 32-byte storage word; undefined when it is zero. */
export function addressInWord(word: string): Hex | undefined {
  const digits = word.slice(2).padStart(64, "0").slice(24).toLowerCase();
  return /^0*$/.test(digits) ? undefined : `0x${digits}`;
}
