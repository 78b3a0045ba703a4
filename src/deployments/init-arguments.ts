import * as OxAddress from "ox/Address";

import { DrError } from "../core/errors.js";
import type { Address } from "../core/hex.js";
import { isChecksumRight } from "./checksum.js";
import { CONTRACT_NAME } from "./contract-name.js";

export interface NamedAddress {
  readonly name: string;
  readonly address: Address;
}

/**
 * `NAME=0xPROXY …`
 *
 * @throws {DrError} INIT_ARGUMENT_INVALID.
 */
export function parseInitArguments(
  argumentList: readonly string[],
): NamedAddress[] {
  const parsed = argumentList.map(parseArgument);
  parsed.forEach(({ name, address }, index) => {
    const earlier = parsed
      .slice(0, index)
      .find((other) => other.name === name || other.address === address);
    if (earlier !== undefined) {
      const what = earlier.name === name ? "name" : "address";
      refuse(argumentList[index] ?? name, `its ${what} is given twice`);
    }
  });
  return parsed;
}

function parseArgument(argument: string): NamedAddress {
  const separator = argument.indexOf("=");
  if (separator < 1) {
    refuse(argument, "it isn't of the form NAME=0xPROXY");
  }
  const name = argument.slice(0, separator);
  const address = argument.slice(separator + 1);
  if (!CONTRACT_NAME.test(name)) {
    refuse(
      argument,
      `${name} isn't a name of letters, digits, _, $ and -, beginning with a letter`,
    );
  }
  if (!OxAddress.validate(address, { strict: false })) {
    refuse(argument, `"${address}" isn't an address`);
  }
  if (!isChecksumRight(address)) {
    refuse(
      argument,
      "the address's checksum is wrong: one of its digits is mistyped",
    );
  }
  return { name, address: OxAddress.checksum(address) };
}

function refuse(argument: string, reason: string): never {
  throw new DrError("INIT_ARGUMENT_INVALID", { argument, reason });
}
