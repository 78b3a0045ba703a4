/** Of these not even the shape is anybody's business: keys in URLs, conditions on people's data. */
const LEFT_OUT_NAMES =
  /^(privateRpc|where|csv)$|secret|token|password|passphrase|mnemonic|private|api_?key|credential/i;
/** Nothing about what happened. */
const UNINTERESTING = ["json", "yes"];
const LEFT_OUT = "(left out)";
const LONGEST = 200;

/** Only where it leads, not what it carries. */
const ADDRESS_OF_SERVER = /\b([a-z][a-z0-9+.-]*):\/\/[^\s"'`,;()\]}]*/gi;
/** As long as a private key, whatever it is: its beginning tells it apart. */
const LONG_HEX = /(?:0x)?[0-9a-f]{64,}/gi;
const KEY_OF_AGE = /AGE-SECRET-KEY-\w+/gi;
/** Twelve words or more and nothing else: somebody's seed phrase. */
const SEED_PHRASE = /^\s*(?:[a-z]{3,8}\s+){11,}[a-z]{3,8}\s*$/;

/** A task's arguments as they may be written down, by name; those with their default's nothing are left out. */
export function describeArguments(
  args: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const described = Object.entries(args).flatMap(([name, value]) => {
    const text = textOf(value);
    if (text === "" || UNINTERESTING.includes(name)) {
      return [];
    }
    return [[name, LEFT_OUT_NAMES.test(name) ? LEFT_OUT : redact(text)]];
  });
  return Object.fromEntries(described) as Record<string, string>;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map(textOf).join(" ");
  }
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
      return String(value);
    case "boolean":
      return value ? "yes" : "";
    default:
      return "";
  }
}

function redact(text: string): string {
  if (SEED_PHRASE.test(text)) {
    return LEFT_OUT;
  }
  const shown = text
    .replace(KEY_OF_AGE, LEFT_OUT)
    .replace(ADDRESS_OF_SERVER, serverOf)
    .replace(LONG_HEX, (hex) => `${hex.slice(0, 10)}…`);
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}

function serverOf(url: string, scheme: string): string {
  const host = URL.canParse(url) ? new URL(url).host : "";
  return `${scheme}://${host || "…"}`;
}
