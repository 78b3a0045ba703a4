import fc from "fast-check";
import * as Address from "ox/Address";

import type { Hex } from "../../src/core/hex.js";
import type {
  ContractRecord,
  DeployFile,
} from "../../src/deployments/deploy-file.js";

const digits = (length: number): fc.Arbitrary<Hex> =>
  fc
    .array(fc.constantFrom(...Array.from("0123456789abcdef")), {
      minLength: length,
      maxLength: length,
    })
    .map((characters): Hex => `0x${characters.join("")}`);

const address = digits(40).map((found) => Address.checksum(found));
const word = fc.string({ minLength: 1 });

/** Fields only a person knows; names that no format of ours will take. */
const own = fc.dictionary(
  word.map((name) => `x-${name}`),
  fc.jsonValue(),
  { maxKeys: 2 },
);

const implementation = fc
  .record(
    { codeHash: digits(64), version: word, contract: word, bad: word },
    { requiredKeys: ["codeHash"] },
  )
  .chain((known) => own.map((added) => ({ ...added, ...known })));

/** A proxy that went from one to another of its implementations, some of them bad. */
export function arbitraryRecord(): fc.Arbitrary<ContractRecord> {
  const implementations = fc.uniqueArray(fc.tuple(address, implementation), {
    selector: ([key]) => key,
    minLength: 1,
    maxLength: 5,
  });
  return implementations.chain((known) =>
    fc
      .record({
        proxy: address,
        added: own,
        steps: fc.array(fc.nat(known.length - 1), {
          minLength: 1,
          maxLength: 8,
        }),
      })
      .map(({ proxy, added, steps }) => ({
        ...added,
        proxy,
        kind: "uups" as const,
        implementations: Object.fromEntries(known),
        history: steps.map((step, index) => ({
          implementation: known[step]![0],
          reason: index === 0 ? ("deploy" as const) : ("upgrade" as const),
          block: index,
        })),
      })),
  );
}

export function arbitraryFile(): fc.Arbitrary<DeployFile> {
  const name = fc.stringMatching(/^[A-Za-z_$][\w$-]{0,9}$/);
  const contracts = fc
    .uniqueArray(fc.tuple(name, arbitraryRecord()), {
      selector: ([key]) => key,
      maxLength: 3,
    })
    .map((entries) => Object.fromEntries(entries));
  return fc
    .record({ contracts, chainId: fc.integer({ min: 1 }), added: own })
    .map(({ added, ...known }) => ({
      ...added,
      schemaVersion: 1 as const,
      ...known,
    }));
}
