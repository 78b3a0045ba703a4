import { sameAddress } from "../core/hex.js";
import type { ContractRecord, DeployFile } from "./deploy-file.js";
import type { Problem } from "./problem.js";

/** What no shape can rule out: a file of the right shape that disagrees with itself. */
export function findContradictions(file: DeployFile): Problem[] {
  const contracts = Object.entries(file.contracts);
  return [
    ...contracts.flatMap(([name, record]) => [
      ...repeatedImplementations(name, record),
      ...unknownImplementations(name, record),
      ...foreignImplementations(name, record),
      ...disorder(name, record),
    ]),
    ...repeatedProxies(contracts),
  ];
}

function repeatedImplementations(
  name: string,
  { implementations }: ContractRecord,
): Problem[] {
  return repeated(Object.keys(implementations)).map((address) => ({
    field: `contracts.${name}.implementations`,
    found: `a list with ${address} twice, in different case`,
    expected: "a list with each address once",
  }));
}

function unknownImplementations(
  name: string,
  { implementations, history }: ContractRecord,
): Problem[] {
  const known = new Set(
    Object.keys(implementations).map((address) => address.toLowerCase()),
  );
  return history.flatMap(({ implementation }, index) =>
    known.has(implementation.toLowerCase())
      ? []
      : [
          {
            field: `contracts.${name}.history[${String(index)}].implementation`,
            found: implementation,
            expected: `one of those in contracts.${name}.implementations`,
          },
        ],
  );
}

function foreignImplementations(
  name: string,
  { kind, proxy, history }: ContractRecord,
): Problem[] {
  if (kind !== "plain") {
    return [];
  }
  return history.flatMap(({ implementation }, index) =>
    sameAddress(implementation, proxy)
      ? []
      : [
          {
            field: `contracts.${name}.history[${String(index)}].implementation`,
            found: implementation,
            expected: `${proxy}: a plain contract is its own implementation`,
          },
        ],
  );
}

function disorder(name: string, { history }: ContractRecord): Problem[] {
  let latest = 0;
  return history.flatMap(({ block }, index) => {
    if (block === undefined || block >= latest) {
      latest = block ?? latest;
      return [];
    }
    return [
      {
        field: `contracts.${name}.history[${String(index)}].block`,
        found: String(block),
        expected: `${String(latest)} or later: the oldest entry comes first`,
      },
    ];
  });
}

function repeatedProxies(
  contracts: readonly (readonly [string, ContractRecord])[],
): Problem[] {
  return contracts.flatMap(([name, { proxy }], index) => {
    const first = contracts.findIndex(([, other]) =>
      sameAddress(other.proxy, proxy),
    );
    const firstName = contracts[first]?.[0] ?? "";
    return first === index
      ? []
      : [
          {
            field: `contracts.${name}.proxy`,
            found: `${proxy}, which contracts.${firstName} has already`,
            expected: "an address no other contract has",
          },
        ];
  });
}

function repeated(addresses: readonly string[]): string[] {
  const lower = addresses.map((address) => address.toLowerCase());
  return addresses.filter(
    (_, index) => lower.indexOf(lower[index] ?? "") < index,
  );
}
