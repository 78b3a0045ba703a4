import type { BlockReader } from "../../chain/block-reader.js";
import { isDrError } from "../../core/errors.js";
import type { Address } from "../../core/hex.js";
import {
  arrayLength,
  enumSize,
  typeArguments,
} from "../../implementation/storage-layout.js";
import type { Retyped } from "./compare-storage.js";
import { isReadWhole, readPresentValue, remarkOn } from "./present-value.js";
import type { RetypedVariable, StoredVariable } from "./safety-report.js";
import { offsetOf, slotOf, type Variable } from "./variables.js";

/** Variables with what a proxy holds of them at the reader's block. */
export async function readStored(
  reader: BlockReader,
  proxy: Address,
  variables: readonly Variable[],
): Promise<StoredVariable[]> {
  return await Promise.all(
    variables.map(async (variable) => {
      const { label, type, bytes, namespace } = variable;
      const value = await readPresentValue(reader, proxy, variable);
      const remark = remarkOn(variable, value);
      return {
        label,
        type,
        slot: slotOf(variable),
        offset: offsetOf(variable),
        bytes: Number(bytes),
        value,
        ...(namespace === undefined ? {} : { namespace }),
        ...(remark === undefined ? {} : { remark }),
      };
    }),
  );
}

/**
 * What the target misreads, one entry for each of its variables.
 *
 * @param before - At a block before the current implementation came, to see
 * whether it has written there at all.
 */
export async function readRetyped(
  reader: BlockReader,
  proxy: Address,
  retyped: readonly Retyped[],
  before: BlockReader | undefined,
): Promise<RetypedVariable[]> {
  const targets = [...new Set(retyped.map(({ target }) => target))];
  return await Promise.all(
    targets.map(async (target) => {
      const pairs = retyped.filter((pair) => pair.target === target);
      const value = await readPresentValue(reader, proxy, target);
      return {
        label: target.label,
        slot: slotOf(target),
        offset: offsetOf(target),
        before: pairs.map(({ current }) => typeAndName(current)).join(", "),
        after: typeAndName(target),
        why: [...new Set(pairs.map(({ why }) => why))].join("; "),
        value,
        untouched:
          isReadWhole(target) &&
          !pairs.some(({ current }) => shareHashedSlots(current, target)) &&
          value === (await readEarlierValue(before, proxy, target)),
        ...(target.namespace === undefined
          ? {}
          : { namespace: target.namespace }),
      };
    }),
  );
}

/** Enums that gained members are fine as long as the value is one that the target has. */
export async function findEnumsOutOfRange(
  reader: BlockReader,
  proxy: Address,
  changed: readonly Retyped[],
): Promise<Retyped[]> {
  const found = await Promise.all(
    changed.map(async ({ current, target }) => {
      const members = enumSize(target.typeId, target.layout.types);
      if (members === undefined) {
        return [];
      }
      const value = BigInt(await readPresentValue(reader, proxy, target));
      const why = `it holds ${String(value)}, and there ${target.type} has only ${String(members)} members`;
      return value < BigInt(members) ? [] : [{ current, target, why }];
    }),
  );
  return found.flat();
}

/** @returns undefined when it can't be known: few nodes keep the state of old blocks. */
async function readEarlierValue(
  before: BlockReader | undefined,
  proxy: Address,
  variable: Variable,
): Promise<string | undefined> {
  try {
    return before === undefined
      ? undefined
      : await readPresentValue(before, proxy, variable);
  } catch (error) {
    if (isDrError(error, "RPC_FAILED")) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Whether two variables in one slot may keep more at the same slots elsewhere:
 * a mapping's are made from its keys, those of all others from the slot alone.
 */
function shareHashedSlots(current: Variable, target: Variable): boolean {
  const kinds = hashedKinds(current.typeId);
  return hashedKinds(target.typeId).some((kind) => kinds.includes(kind));
}

function hashedKinds(typeId: string): ("mapping" | "sequence")[] {
  if (typeof arrayLength(typeId) === "bigint") {
    return hashedKinds(typeArguments(typeId)[0] ?? "");
  }
  if (typeId.startsWith("t_struct")) {
    return ["mapping", "sequence"];
  }
  if (typeId.startsWith("t_mapping")) {
    return ["mapping"];
  }
  return /^t_(array|string_storage|bytes_storage)/.test(typeId)
    ? ["sequence"]
    : [];
}

function typeAndName({ type, label }: Variable): string {
  return `${type} ${label}`;
}
