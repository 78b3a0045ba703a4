import * as OxAddress from "ox/Address";

/** Whether an address's case is right by EIP-55; all in one case carries no checksum. */
export function isChecksumRight(address: string): boolean {
  const digits = address.slice(2);
  return (
    digits === digits.toLowerCase() ||
    digits === digits.toUpperCase() ||
    OxAddress.validate(address, { strict: true })
  );
}
