import { ask, type Rpc } from "../../chain/rpc.js";
import { sameAddress, type Address, type Hex } from "../../core/hex.js";
import type { Signer } from "./signer.js";

/** A secret of the configuration that is only read when it is needed. */
interface SecretText {
  get(): Promise<string>;
}

/** A network's accounts as Hardhat resolves them. */
export type AccountsConfig =
  | "remote"
  | readonly { getHexString(): Promise<string> }[]
  | {
      readonly mnemonic: SecretText;
      readonly passphrase: SecretText;
      readonly path: string;
      readonly initialIndex: number;
      readonly count: number;
    };

/**
 * Everyone who can sign on a network: keys of the configuration or a keystore
 * sign in this process, everything else that Hardhat lists (the node's own
 * accounts, a hardware wallet's) signs behind its provider.
 */
export async function loadSigners(
  rpc: Rpc,
  accounts: AccountsConfig,
): Promise<readonly Signer[]> {
  const [keys, addresses] = await Promise.all([
    readKeys(accounts),
    ask(rpc, "eth_accounts") as Promise<readonly Address[]>,
  ]);
  const { checksum } = await import("ox/Address");
  const local = await localSigners(keys);
  const elsewhere = addresses
    .filter(
      (address) => !local.some((one) => sameAddress(one.address, address)),
    )
    .map((address) => ({ address: checksum(address) }));
  return [...local, ...elsewhere];
}

async function localSigners(keys: readonly Hex[]): Promise<Signer[]> {
  if (keys.length === 0) {
    return [];
  }
  const { createLocalSigner } = await import("./local-signer.js");
  return keys.map(createLocalSigner);
}

async function readKeys(accounts: AccountsConfig): Promise<Hex[]> {
  if (accounts === "remote") {
    return [];
  }
  if ("mnemonic" in accounts) {
    return await deriveKeys(accounts);
  }
  const keys = accounts.map(
    async (account) => (await account.getHexString()) as Hex,
  );
  return await Promise.all(keys);
}

async function deriveKeys({
  mnemonic,
  passphrase,
  path,
  initialIndex,
  count,
}: Exclude<AccountsConfig, "remote" | readonly unknown[]>): Promise<Hex[]> {
  const [words, secret, Mnemonic] = await Promise.all([
    mnemonic.get(),
    passphrase.get(),
    import("ox/Mnemonic"),
  ]);
  return Array.from({ length: count }, (_, index) =>
    Mnemonic.toPrivateKey(words, {
      as: "Hex",
      passphrase: secret,
      path: `${path}/${String(initialIndex + index)}` as "m/44'/60'/0'/0/0",
    }),
  );
}
