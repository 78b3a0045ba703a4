import type { Session } from "../session.js";
import { SCHEMA_QUERIES } from "./schema-queries.js";

/** Something in a database that has a definition. */
export interface SchemaObject {
  /** `table`, `column`, `grant`, … */
  readonly kind: string;
  /** Stays the same in this database when it is renamed or changed. */
  readonly id: string;
  /** What it belongs to: a column's table. */
  readonly parent: string | null;
  /** `public.profiles`; of what has a parent, its own: `email`. */
  readonly name: string;
  readonly definition: string | null;
  /** A right that comes with whatever is made. */
  readonly implied?: boolean;
}

export type SchemaDescription = readonly SchemaObject[];

/** What became of something. */
export type SchemaChange =
  | { readonly change: "added" | "removed"; readonly object: SchemaObject }
  | {
      readonly change: "changed" | "renamed";
      readonly before: SchemaObject;
      readonly object: SchemaObject;
    };

/**
 * How everything in a database is defined.
 *
 * @param session - Its `search_path` must be empty: names come qualified then.
 */
export async function describeSchema({
  query,
}: Pick<Session, "query">): Promise<SchemaDescription> {
  const described: SchemaObject[] = [];
  for (const sql of SCHEMA_QUERIES) {
    described.push(...(await query<SchemaObject>(sql)));
  }
  return described.toSorted(byPlace);
}

/** What belongs together comes together, its owner first. */
function byPlace(a: SchemaObject, b: SchemaObject): number {
  return compareTexts(placeOf(a), placeOf(b));
}

function placeOf({ kind, parent, name }: SchemaObject): string {
  return [parent ?? name, parent === null ? "" : kind, name].join("\0");
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * What is otherwise in one description than in an earlier one of the same
 * database. What is made anew exactly as it was isn't a change; what only
 * follows from another change (the rights of a table that is dropped, the
 * columns of one that is renamed) isn't told.
 */
export function compareSchemas(
  before: SchemaDescription,
  after: SchemaDescription,
): readonly SchemaChange[] {
  const earlier = new Map(before.map((object) => [keyOf(object), object]));
  const later = new Map(after.map((object) => [keyOf(object), object]));
  const gone = before.filter((object) => !later.has(keyOf(object)));
  const goneById = new Map(gone.map((object) => [object.id, object]));
  const changes: SchemaChange[] = [];
  for (const object of after) {
    const same = earlier.get(keyOf(object));
    const renamed = same === undefined ? goneById.get(object.id) : undefined;
    if (same !== undefined) {
      if (same.definition !== object.definition) {
        changes.push({ change: "changed", before: same, object });
      }
    } else if (renamed?.kind === object.kind) {
      goneById.delete(object.id);
      changes.push({ change: "renamed", before: renamed, object });
    } else {
      changes.push({ change: "added", object });
    }
  }
  const removed = [...goneById.values()].map(
    (object) => ({ change: "removed", object }) as const,
  );
  return [...changes, ...removed]
    .filter(isWorthTelling(before, after))
    .toSorted((a, b) => byPlace(a.object, b.object));
}

function keyOf({ kind, parent, name }: SchemaObject): string {
  return [kind, parent ?? "", name].join("\0");
}

function isWorthTelling(
  before: SchemaDescription,
  after: SchemaDescription,
): (change: SchemaChange) => boolean {
  const namesBefore = new Set(before.map(fullNameOf));
  const namesAfter = new Set(after.map(fullNameOf));
  return (change) => {
    const { object } = change;
    switch (change.change) {
      case "added":
        return object.implied !== true || isIn(namesBefore, object.parent);
      case "removed":
        return object.implied !== true || isIn(namesAfter, object.parent);
      case "renamed":
        return (
          change.before.name !== object.name ||
          change.before.definition !== object.definition ||
          // Of a parent that is still there it was taken away.
          isIn(namesAfter, change.before.parent)
        );
      case "changed":
        return true;
    }
  };
}

function isIn(names: ReadonlySet<string>, parent: string | null): boolean {
  return parent !== null && names.has(parent);
}

/** `public.profiles.email` */
export function fullNameOf({ parent, name }: SchemaObject): string {
  return parent === null ? name : `${parent}.${name}`;
}
