import { isUtf8 } from "node:buffer";

/** How the texts of values travel between two databases, and what people see of them. */
export interface Texts {
  /** @param text - An expression that is a text. */
  readonly send: (text: string) => string;
  /** What has arrived as a text again; takes back what `send` did. */
  readonly receive: (text: string) => string;
  /** @param mostCharacters - Of one that was cut off, perhaps amid a character. */
  readonly show: (sent: string, mostCharacters?: number) => string;
  /** What somebody has written, as it is sent; undefined where that is no text. */
  readonly read: (written: string) => string | undefined;
}

const CHARACTERS: Texts = {
  send: (text) => text,
  receive: (text) => text,
  show: (sent) => sent,
  read: (written) => written,
};

/** In SQL_ASCII a text is bytes of any kind, which only digits carry unharmed. */
const BYTES: Texts = {
  send: (text) => `encode(convert_to(${text}, 'SQL_ASCII'), 'hex')`,
  receive: (text) => `convert_from(decode(${text}, 'hex'), 'SQL_ASCII')`,
  show: (sent, mostBytes = Infinity) => {
    const bytes = Buffer.from(sent, "hex");
    return showBytes(bytes, bytes.length >= mostBytes);
  },
  read: (written) => readBytes(written)?.toString("hex"),
};

/** @param encoding - What both databases are in. */
export function textsOf(encoding: string): Texts {
  return encoding === "SQL_ASCII" ? BYTES : CHARACTERS;
}

const LONGEST_CHARACTER = 4;

/** As UTF-8 where it is that, else as PostgreSQL writes bytes in a text: `E'caf\xe9'`. */
function showBytes(bytes: Buffer, isCut: boolean): string {
  const mostLeftOut = isCut ? Math.min(bytes.length, LONGEST_CHARACTER - 1) : 0;
  for (let leftOut = 0; leftOut <= mostLeftOut; leftOut += 1) {
    const whole = bytes.subarray(0, bytes.length - leftOut);
    if (isUtf8(whole) && !whole.toString().startsWith("E'")) {
      return whole.toString();
    }
  }
  const text = bytes
    .toString("latin1")
    .replaceAll(/[\\']/g, String.raw`\$&`)
    .replaceAll(
      /[^ -~]/g,
      (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  return `E'${text}'`;
}

const WRITTEN_BYTES = /^E'(?:[^\\']|\\\\|\\'|\\x[0-9a-fA-F]{2})*'$/;

/** Takes back what {@link showBytes} did. */
function readBytes(written: string): Buffer | undefined {
  if (!written.startsWith("E'")) {
    return Buffer.from(written);
  }
  return WRITTEN_BYTES.test(written) && /^[ -~]*$/.test(written)
    ? Buffer.from(
        written
          .slice(2, -1)
          .replaceAll(
            /\\(?:x(..)|(.))/g,
            (_, hex: string | undefined, one: string) =>
              hex === undefined ? one : String.fromCharCode(parseInt(hex, 16)),
          ),
        "latin1",
      )
    : undefined;
}
