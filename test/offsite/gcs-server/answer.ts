/** What the server sends back. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** A refusal, as Cloud Storage words it. */
export class Refusal extends Error {
  readonly status: number;
  /** For programs: `conditionNotMet`. */
  readonly word: string;

  constructor(status: number, word: string, message: string) {
    super(message);
    this.status = status;
    this.word = word;
  }

  toAnswer(): Answer {
    const { status, word: reason, message } = this;
    const errors = [{ message, domain: "global", reason }];
    return toJson(status, { error: { code: status, message, errors } });
  }
}

export function toJson(status: number, value: unknown): Answer {
  return {
    status,
    headers: { "content-type": "application/json; charset=UTF-8" },
    body: Buffer.from(JSON.stringify(value)),
  };
}

export function toText(status: number, text: string): Answer {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
    body: Buffer.from(text),
  };
}

/**
 * What the query parameter `fields` leaves: `name,retention(mode)`.
 *
 * @throws {Refusal} when it isn't a selection.
 */
export function select(value: unknown, fields: string | null): unknown {
  if (fields === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((item) => select(item, fields));
  }
  const chosen: Record<string, unknown> = {};
  for (const [, name = "", inner] of parts(fields)) {
    const found = (value as Readonly<Record<string, unknown>>)[name];
    if (found !== undefined) {
      chosen[name] = select(found, inner ?? null);
    }
  }
  return chosen;
}

function parts(fields: string): RegExpExecArray[] {
  if (!/^\w+(\([\w,]+\))?(,\w+(\([\w,]+\))?)*$/.test(fields)) {
    throw new Refusal(
      400,
      "invalidParameter",
      `Invalid field selection ${fields}`,
    );
  }
  return [...fields.matchAll(/(\w+)(?:\(([\w,]+)\))?/g)];
}
