import type { Json } from "../core/canonical-json.js";
import type { GeneratedKey, KeyPurpose } from "../artifact/generate-keys.js";
import type { Paint } from "./text.js";

const WORDS: Readonly<
  Record<
    KeyPurpose,
    { readonly what: string; readonly name: string; readonly next: string }
  >
> = {
  encryption: {
    what: "encrypts and opens backups",
    name: "fingerprint",
    next: "Without it no backup opens: keep a copy where a fire of this machine doesn't reach it.",
  },
  signing: {
    what: "signs backups",
    name: "public key",
    next: "Its public key goes to whoever restores. Keep it apart from the key that encrypts.",
  },
  age: {
    what: "opens what is encrypted to its public key",
    name: "recipient",
    next: "Its recipient goes into hardhat.config.ts; keep the file, and a copy, away from the machine that encrypts.",
  },
};

export function formatGeneratedKey(
  { file, purpose, shown }: GeneratedKey,
  paint: Paint,
): string {
  const { what, name, next } = WORDS[purpose];
  return [
    `${paint("bold", file)}: a new key that ${what}, readable by you alone`,
    `  ${name}  ${shown}`,
    `  ${next}`,
    "  Never commit it.",
    "",
  ].join("\n");
}

/** For `--json`. */
export function generatedKeyToJson(key: GeneratedKey): Json {
  return { ...key };
}
