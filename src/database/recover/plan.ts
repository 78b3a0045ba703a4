import { createHash } from "node:crypto";

import { canonicalJson, type Json } from "../../core/canonical-json.js";
import { DrError } from "../../core/errors.js";
import type { Session } from "../session.js";
import {
  close,
  linksOf,
  type Graph,
  type Need,
  type Unset,
} from "./closure.js";
import type { Sequence } from "./catalogue.js";
import type { KeyedPair } from "./pair.js";
import { countPicks, keepRoots, leaveOutErased } from "./picks.js";
import {
  countStaged,
  fillStage,
  findChangedColumns,
  findConflicts,
  readSamples,
  summarise,
  type Conflict,
  type Sample,
} from "./stage.js";
import { stageOf } from "./sql.js";
import { checkErased, type ErasedList } from "./unmatched.js";

/** What would be written, and what speaks against it. */
export interface RecoveryPlan {
  /** The table asked for. */
  readonly table: string;
  /** Only those that get rows. */
  readonly tables: readonly TablePlan[];
  readonly conflicts: {
    readonly count: number;
    /** The first few. */
    readonly shown: readonly Conflict[];
  };
  /** Live rows that referred to missing ones and no longer do: they stay as they are. */
  readonly unset: readonly Unset[];
  readonly leftOut: {
    /** Rows of `dr.database.erased`. */
    readonly erased: number;
    /** Rows that refer to those. */
    readonly orphans: number;
    /** Of `dr.database.erased`, those of tables that are looked at. */
    readonly lists: readonly ErasedList[];
  };
  /** Tables that rows hung on from which can't be looked at. */
  readonly unseen: readonly string[];
  /** Tables that rows hung on from, which aren't looked at because nobody asked. */
  readonly unasked: readonly string[];
  /** SHA-256 of all that is written, and of what it is written over. */
  readonly digest: string;
}

/** What one table gets. */
export interface TablePlan {
  readonly table: string;
  readonly key: readonly string[];
  readonly counts: {
    readonly missing: number;
    readonly changed: number;
    readonly parents: number;
    readonly children: number;
  };
  /** In which rows that changed differ. */
  readonly changedColumns: readonly string[];
  /** Only in the backup: not brought back. */
  readonly lost: readonly string[];
  /** Only in the live table: they get their default. */
  readonly added: readonly string[];
  /** Declared otherwise since. */
  readonly retyped: readonly {
    readonly name: string;
    readonly from: string;
    readonly to: string;
  }[];
  /** The first few. */
  readonly samples: readonly Sample[];
}

/** The two databases while rows are recovered, each in a transaction, and the tables looked at. */
export interface Workplace {
  readonly old: Session;
  readonly live: Session;
  readonly root: KeyedPair;
  readonly graph: Graph;
  readonly hasErased: boolean;
}

/** A plan with what is needed to carry it out. */
export interface StagedPlan {
  readonly plan: RecoveryPlan;
  /** In the order of the plan's tables. */
  readonly staged: readonly StagedTable[];
}

export interface StagedTable {
  readonly pair: KeyedPair;
  readonly hasInserts: boolean;
  readonly changedColumns: readonly string[];
  readonly sequences: readonly Sequence[];
}

/**
 * From the rows chosen to everything that comes with them, staged in the live
 * database. The same rows and the same databases give the same plan.
 *
 * @throws {DrError} RECOVER_PARENT_MISSING, RECOVER_SCHEMA_CHANGED, RECOVER_DOES_NOT_FIT.
 */
export async function planRecovery(place: Workplace): Promise<StagedPlan> {
  const { old, live, graph, root } = place;
  const { unset, broken } = await closeWithoutErased(place);
  refuseBroken(broken);
  let [erased, orphans] = [0, 0];
  const tables: TablePlan[] = [];
  const staged: StagedTable[] = [];
  const conflicts: Conflict[] = [];
  let conflictCount = 0;
  const sums: Json[] = [];
  for (const pair of graph.pairs) {
    await live.query(`DELETE FROM ${stageOf(pair)}`);
    const picked = await countPicks(old, pair);
    erased += picked.erased;
    orphans += picked.orphan;
    const { missing, changed, parent, child } = picked;
    if (missing + changed + parent + child === 0) {
      continue;
    }
    if (pair.obstacle !== undefined) {
      throw pair.obstacle;
    }
    await fillStage(old, live, pair);
    const changedColumns =
      changed === 0 ? [] : await findChangedColumns(live, pair);
    const found = await findConflicts(live, pair);
    conflictCount += found.count;
    conflicts.push(...found.shown);
    const given = await planTable(live, pair, changedColumns);
    if (given === undefined) {
      continue;
    }
    tables.push(given);
    const { counts } = given;
    staged.push({
      pair,
      hasInserts: counts.missing + counts.parents + counts.children > 0,
      changedColumns,
      sequences: pair.live.sequences,
    });
    sums.push([pair.name, await summarise(live, pair), [...changedColumns]]);
  }
  const plan = {
    table: root.name,
    tables,
    conflicts: { count: conflictCount, shown: conflicts },
    unset,
    leftOut: { erased, orphans, lists: await checkLists(place) },
    unseen: graph.unseen,
    unasked: findUnasked(graph, staged),
    digest: createHash("sha256").update(canonicalJson(sums)).digest("hex"),
  };
  return { plan, staged };
}

async function checkLists({
  old,
  live,
  graph,
  hasErased,
}: Workplace): Promise<readonly ErasedList[]> {
  const lists: ErasedList[] = [];
  for (const pair of hasErased ? graph.pairs : []) {
    const list = await checkErased(old, live, pair);
    if (list !== undefined) {
      lists.push(list);
    }
  }
  return lists;
}

/** What refers to an erased row would bring it along, or hang in the air. */
async function closeWithoutErased({
  old,
  live,
  graph,
  hasErased,
}: Workplace): ReturnType<typeof close> {
  await keepRoots(old, graph.pairs);
  const found = await close(old, live, graph);
  if (
    !hasErased ||
    (await leaveOutErased(old, graph.pairs, linksOf(graph))) === 0
  ) {
    return found;
  }
  await keepRoots(old, graph.pairs);
  return await close(old, live, graph);
}

/** Only of rows that were missing, and not of tables that are looked at anyway. */
function findUnasked(
  { unasked }: Graph,
  staged: readonly StagedTable[],
): readonly string[] {
  const inserted = staged.filter(({ hasInserts }) => hasInserts);
  const names = unasked
    .filter(({ parent }) => inserted.some(({ pair }) => pair === parent))
    .map(({ table }) => table);
  return [...new Set(names)].filter(
    (name) => !staged.some(({ pair }) => pair.name === name),
  );
}

function refuseBroken(broken: ReadonlyMap<Need, number>): void {
  const [first] = broken;
  if (first !== undefined) {
    const [{ name, parentTable }, count] = first;
    throw new DrError("RECOVER_PARENT_MISSING", {
      count,
      constraint: name,
      table: parentTable.name,
    });
  }
}

async function planTable(
  live: Session,
  pair: KeyedPair,
  changedColumns: readonly string[],
): Promise<TablePlan | undefined> {
  const { missing, changed, parent, child } = await countStaged(live, pair);
  const counts = {
    missing: missing ?? 0,
    changed: changed ?? 0,
    parents: parent ?? 0,
    children: child ?? 0,
  };
  return Object.values(counts).every((count) => count === 0)
    ? undefined
    : {
        table: pair.name,
        key: pair.key.columns,
        counts,
        changedColumns,
        lost: pair.lost,
        added: pair.added,
        retyped: pair.columns
          .filter(({ isSame }) => !isSame)
          .map(({ name, old, live: now }) => ({
            name,
            from: old.declared,
            to: now.declared,
          })),
        samples: await readSamples(live, pair),
      };
}
