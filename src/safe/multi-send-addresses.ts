import * as Hash from "ox/Hash";

import type { BlockReader } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";

/** Where a chain's MultiSend contracts are, when a user says so. */
export interface SafeContracts {
  readonly multiSend?: Address;
  readonly multiSendCallOnly?: Address;
}

interface Deployment {
  /** Of the Safe it was published with; any Safe from 1.3.0 on can use it. */
  readonly version: string;
  readonly address: Address;
  /** keccak-256 of its code. */
  readonly codeHash: Hex;
}

/** @see safe-deployments, multi_send_call_only.json; a test compares them. */
export const MULTI_SEND_CALL_ONLY: readonly Deployment[] = [
  {
    version: "1.3.0",
    address: "0x40A2aCCbd92BCA938b02010E17A5b8929b49130D",
    codeHash:
      "0xa9865ac2d9c7a1591619b188c4d88167b50df6cc0c5327fcbd1c8c75f7c066ad",
  },
  {
    version: "1.3.0",
    address: "0xA1dabEF33b3B82c7814B6D82A79e50F4AC44102B",
    codeHash:
      "0xa9865ac2d9c7a1591619b188c4d88167b50df6cc0c5327fcbd1c8c75f7c066ad",
  },
  {
    version: "1.3.0",
    address: "0xf220D3b4DFb23C4ade8C88E526C1353AbAcbC38F",
    codeHash:
      "0x064ddbf252714bcd4cb79f679e8c12df96d998ce07bbb13b3118c1dbf4a31942",
  },
  {
    version: "1.4.1",
    address: "0x9641d764fc13c8B624c04430C7356C1C7C8102e2",
    codeHash:
      "0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939",
  },
  {
    version: "1.4.1",
    address: "0x0408EF011960d02349d50286D20531229BCef773",
    codeHash:
      "0x44c70b30fed5c3a07358a52c2fb028f651031010ef99e4d8c3b45c208e88a264",
  },
  {
    version: "1.5.0",
    address: "0xA83c336B20401Af773B6219BA5027174338D1836",
    codeHash:
      "0xcdbdcec38d2f1c7d961b0029ff8416b7e86e9974d6f0e9c9580c7d17fcfb6663",
  },
];

/**
 * keccak-256 of MultiSend's code with zeros in place of its own address, which
 * the compiler puts there; so it is known wherever it is.
 */
export const MULTI_SEND_TEMPLATES: Readonly<Record<string, Hex>> = {
  "1.3.0": "0xea3cd4564369cbf8fc26ee65c7f0ba817895866824160662a75f266ef84e45cf",
  "1.4.1": "0xbe8c0a076af4c2555e37ce30e86a260c5d695e7f1f372621e64eb3b8f91afcea",
  "1.5.0": "0x6162351242f2689768583ab62161154ad1e0454a1f7706f20ec2346dfd0e157d",
};

/** What zkSync's own compiler made of MultiSend. @see safe-deployments, multi_send.json */
export const MULTI_SEND_ZKSYNC: readonly Deployment[] = [
  {
    version: "1.3.0",
    address: "0x0dFcccB95225ffB03c6FBB2559B530C2B7C8A912",
    codeHash:
      "0xd9aa004a59b3738a108e747e578ae409b84e9f3ffd689d81b10f4d96000c5f5c",
  },
  {
    version: "1.4.1",
    address: "0x309D0B190FeCCa8e1D5D8309a16F7e3CB133E885",
    codeHash:
      "0xcb372f27aba6983e7b54997ebb4a75c35876b2a279238ab914c5415de1e95137",
  },
];

/**
 * A MultiSendCallOnly of this chain whose code is Safe's own: the configured
 * one, or one of the addresses that Safe deploys to. The Safe lends it all its
 * powers, so nothing else will do.
 *
 * @throws {DrError} SAFE_CONTRACTS_UNKNOWN, SAFE_CONTRACTS_WRONG.
 */
export async function findMultiSend(
  reader: BlockReader,
  version: string,
  configured: SafeContracts = {},
): Promise<Address> {
  const { multiSend, multiSendCallOnly } = configured;
  for (const address of [multiSend, multiSendCallOnly]) {
    if (address !== undefined && !(await isMultiSend(reader, address))) {
      throw new DrError("SAFE_CONTRACTS_WRONG", { address });
    }
  }
  if (multiSendCallOnly !== undefined) {
    return multiSendCallOnly;
  }
  const candidates = [...MULTI_SEND_CALL_ONLY].sort(
    (a, b) => rank(a, version) - rank(b, version),
  );
  const deployed = await Promise.all(
    candidates.map(
      async ({ address, codeHash }) =>
        (await readCodeHash(reader, address)) === codeHash,
    ),
  );
  const found = candidates.find((_, index) => deployed[index] === true);
  if (found === undefined) {
    throw new DrError("SAFE_CONTRACTS_UNKNOWN", {
      network: reader.rpc.network,
      example: EXAMPLE,
    });
  }
  return found.address;
}

function rank(deployment: Deployment, version: string): number {
  return deployment.version === version ? 0 : 1;
}

/** Whether the code at an address is Safe's MultiSendCallOnly or MultiSend, wherever it is. */
export async function isMultiSend(
  reader: BlockReader,
  address: Address,
): Promise<boolean> {
  const code = await reader.code(address);
  const found = Hash.keccak256(code);
  const own = address.slice(2).toLowerCase();
  const template = Hash.keccak256(
    code.toLowerCase().replaceAll(own, "0".repeat(40)) as Hex,
  );
  return (
    MULTI_SEND_CALL_ONLY.some(({ codeHash }) => codeHash === found) ||
    Object.values(MULTI_SEND_TEMPLATES).includes(template) ||
    MULTI_SEND_ZKSYNC.some(
      (known) =>
        sameAddress(known.address, address) && known.codeHash === found,
    )
  );
}

async function readCodeHash(
  reader: BlockReader,
  address: Address,
): Promise<Hex> {
  return Hash.keccak256(await reader.code(address));
}

const EXAMPLE =
  'dr: { safeContracts: { multiSend: "0x…", multiSendCallOnly: "0x…" } }';
