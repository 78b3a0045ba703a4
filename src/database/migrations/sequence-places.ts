import type { Session } from "../session.js";

/** How far a sequence has come. */
export interface SequencePlace {
  /** Quoted as needed. */
  readonly name: string;
  /** Null: nothing was drawn from it yet. */
  readonly last: string | null;
  readonly isRising: boolean;
}

/** Of all that the role may read, but those that begin again by themselves. */
export async function readSequencePlaces({
  query,
}: Pick<Session, "query">): Promise<readonly SequencePlace[]> {
  return await query<Readonly<Record<keyof SequencePlace, never>>>(
    `SELECT c.oid::regclass::text AS name, s.seqincrement > 0 AS "isRising",
      CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(c.oid) END::text AS last
    FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
    WHERE c.relpersistence <> 't' AND NOT s.seqcycle
    ORDER BY c.oid::regclass::text COLLATE "C"`,
  );
}

/**
 * Puts forward again what went back: `setval` isn't undone with the transaction
 * that it ran in, and whoever draws next would get what was given out already.
 */
export async function putSequencesForward(
  session: Pick<Session, "query">,
  before: readonly SequencePlace[],
): Promise<void> {
  const places = await readSequencePlaces(session);
  const now = new Map(places.map((place) => [place.name, place]));
  for (const was of before) {
    const place = now.get(was.name);
    if (place !== undefined && was.last !== null && wentBack(was, place)) {
      await session.query("SELECT setval($1::regclass, $2::bigint)", [
        was.name,
        was.last,
      ]);
    }
  }
}

function wentBack(was: SequencePlace, { last }: SequencePlace): boolean {
  if (last === null || was.last === null) {
    return was.last !== null;
  }
  const [from, to] = [BigInt(was.last), BigInt(last)];
  return was.isRising ? to < from : to > from;
}
