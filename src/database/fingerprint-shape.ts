import type { SnapshotOptions } from "./snapshot.js";

/** What a database holds, as one snapshot saw it. Numbers that may be large are decimal strings. */
export interface Fingerprint {
  /** `15.18` */
  readonly server: string;
  /** `UTF8` */
  readonly encoding: string;
  readonly locale: {
    /** libc, ICU, built in. */
    readonly provider: "c" | "i" | "b";
    readonly collate: string;
    readonly ctype: string;
    readonly icu?: string;
    /** From PostgreSQL 16 on: `&V << w <<< W`. */
    readonly icuRules?: string;
  };
  /** Without plpgsql, which is everywhere. */
  readonly extensions: readonly {
    readonly name: string;
    readonly version: string;
  }[];
  /** Owners of objects, and those that have been granted something. */
  readonly roles: readonly string[];
  /** By which rules `schema` was made; absent: 1. Those of other rules can't be compared. */
  readonly schemaRules?: number;
  /** SHA-256 of how all is defined, hexadecimal; the same after a dump and a restore. */
  readonly schema: string;
  /** The beginning of each one's by its name: `index app.users_name_key`. */
  readonly definitions?: Readonly<Record<string, string>>;
  /** Those that hold rows, partitions and materialized views too; by name. */
  readonly tables: readonly TableFingerprint[];
  readonly sequences: readonly SequenceFingerprint[];
  readonly largeObjects: { readonly count: string; readonly hash?: string };
}

export interface TableFingerprint {
  /** `public.profiles`: quoted as needed, always with its schema. */
  readonly name: string;
  readonly rows: string;
  /** Sum of the hashes of all rows; absent where it isn't told. */
  readonly hash?: string;
  /** Of how many rows in 1000 the hash is, where it isn't of all. */
  readonly sampled?: number;
  /** A materialized view: a restore computes it anew, from rows that may be newer than it was. */
  readonly computed?: true;
  /** Emptied, dropped or kept by others before it could be read: of its rows nothing is known. */
  readonly uncounted?: true;
  /** The partitioned tables that its rows belong to; absent where it is no partition. */
  readonly partitionOf?: readonly string[];
}

export interface SequenceFingerprint {
  readonly name: string;
  readonly last: string;
  readonly isCalled: boolean;
  /** Where it doesn't count upwards for ever. */
  readonly counts?: "down" | "around";
}

export interface FingerprintOptions extends SnapshotOptions {
  /** Read before; absent: now. */
  readonly sequences?: readonly SequenceFingerprint[];
  /** Others work in it: tables may be gone, or emptied, before they are read. */
  readonly isLive?: boolean;
  /** Only rows are counted: `false`. */
  readonly hashes?: boolean;
  /** Bytes on the server's disk; a larger table is hashed by a sample of its rows. */
  readonly sampleAbove?: number;
  /** Samples are drawn as in this one, so that both can be compared. */
  readonly like?: Fingerprint;
  /** Told after each table how many bytes of the server's disk have been read. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}
