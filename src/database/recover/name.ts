/** An identifier as SQL takes it, whatever is in it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A table's name, which belongs to its schema. */
export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

/** `"public"."profiles"`. */
export function quoteTable({ schema, name }: QualifiedName): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/** For people: `profiles`, or `app.profiles` where it isn't in `public`. */
export function showTable({ schema, name }: QualifiedName): string {
  return schema === "public" ? name : `${schema}.${name}`;
}
