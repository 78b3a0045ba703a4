import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";

import * as z from "zod";

import { DrError, isDrError, messageOf } from "../core/errors.js";
import { namesIn } from "../core/names-in.js";
import { PARTS } from "./copies/copy.js";
import { SHIPPED } from "./scenarios/shipped.js";
import type {
  CustomCheck,
  CustomInjection,
  CustomRecovery,
  Scenario,
} from "./scenario.js";

const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,59}$/,
    "expected lower-case letters, digits and hyphens",
  );
const text = z.string().min(1).max(200);
const part = z.enum(PARTS);

/** Only of scenarios in TypeScript: JSON has none. */
function functionOf<T>() {
  const isFunction = (value: unknown) => typeof value === "function";
  return z.custom<T>(isFunction, "expected a function");
}

const injection = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("drop-table"), table: text.optional() }),
  z.strictObject({ kind: z.literal("corrupt-rows"), table: text.optional() }),
  z.strictObject({ kind: z.literal("lose-database") }),
  z.strictObject({
    kind: z.literal("bad-upgrade"),
    contracts: z.array(text).min(1).optional(),
    to: text.optional(),
  }),
  z.strictObject({ kind: z.literal("lose-deployments") }),
  z.strictObject({ kind: z.literal("lose-files") }),
  z.strictObject({ kind: z.literal("damage-backups") }),
  z.strictObject({ kind: z.literal("lose-backups") }),
  z.strictObject({ kind: z.literal("offsite-unavailable") }),
  z.strictObject({ kind: z.literal("kill-service") }),
]);

const recovery = z.discriminatedUnion("task", [
  z.strictObject({ task: z.literal("dr:db:restore") }),
  z.strictObject({
    task: z.literal("dr:rollback"),
    contracts: z.array(text).min(1).optional(),
  }),
  z.strictObject({ task: z.literal("dr:snapshot:restore") }),
  z.strictObject({ task: z.literal("dr:backup:restore") }),
  z.strictObject({
    task: z.literal("dr:offsite:restore"),
    what: z.enum(["database", "contracts", "files"]),
  }),
  z.strictObject({ task: z.literal("start-service") }),
]);

const scenario = z.strictObject({
  name,
  title: text,
  objective: z.enum(["contracts", "database"]),
  needs: z.array(part),
  optional: z.array(part).optional(),
  inject: z
    .array(
      z.union([
        injection,
        z.strictObject({
          title: text,
          breaks: part,
          inject: functionOf<CustomInjection["inject"]>(),
        }),
      ]),
    )
    .min(1),
  recover: z
    .array(
      z.union([
        recovery,
        z.strictObject({
          title: text,
          recover: functionOf<CustomRecovery["recover"]>(),
        }),
      ]),
    )
    .min(1),
  checks: z
    .array(
      z.strictObject({
        id: name,
        title: text,
        critical: z.boolean().optional(),
        measure: functionOf<CustomCheck["measure"]>(),
      }),
    )
    .optional(),
});

interface Module {
  readonly default?: unknown;
}

/** Of files that hold scenarios. */
const EXTENSIONS = [".ts", ".js", ".mjs", ".json"];

/**
 * The shipped scenarios, then the project's own; one of the project's takes the
 * place of a shipped one of its name.
 *
 * @param folder - Of the project's own; it need not be there.
 * @throws {DrError} DRILL_SCENARIO_INVALID.
 */
export async function loadScenarios(
  folder: string,
): Promise<readonly Scenario[]> {
  const files = (await namesIn(folder))
    .filter((file) => EXTENSIONS.includes(extname(file)))
    .filter((file) => !file.endsWith(".d.ts"))
    .toSorted();
  const own: Scenario[] = [];
  for (const file of files) {
    const found = await loadScenario(join(folder, file));
    if (own.some((one) => one.name === found.name)) {
      const reason = `another file has a scenario called ${found.name}`;
      throw new DrError("DRILL_SCENARIO_INVALID", { file, reason });
    }
    own.push(found);
  }
  const shipped = SHIPPED.filter(
    (one) => !own.some((other) => other.name === one.name),
  );
  return [...shipped, ...own];
}

async function loadScenario(file: string): Promise<Scenario> {
  try {
    return parseScenario(await readModule(file), file);
  } catch (error) {
    if (isDrError(error)) {
      throw error;
    }
    const reason = messageOf(error);
    throw new DrError(
      "DRILL_SCENARIO_INVALID",
      { file, reason },
      { cause: error },
    );
  }
}

async function readModule(file: string): Promise<unknown> {
  if (extname(file) === ".json") {
    return JSON.parse(await readFile(file, "utf8"));
  }
  const module = (await import(pathToFileURL(file).href)) as Module;
  const { default: found } = module;
  // Where the project isn't of ES modules, all that a file exports is the default.
  const isWrapped =
    typeof found === "object" && found !== null && "default" in found;
  return isWrapped ? found.default : found;
}

/**
 * @param file - Where it comes from, for the error.
 * @throws {DrError} DRILL_SCENARIO_INVALID.
 */
export function parseScenario(value: unknown, file: string): Scenario {
  const parsed = scenario.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join(".") ?? "";
    const reason = `${place === "" ? "the whole" : place}: ${issue?.message ?? ""}`;
    throw new DrError("DRILL_SCENARIO_INVALID", { file, reason });
  }
  return parsed.data as Scenario;
}

/** @throws {DrError} DRILL_SCENARIO_UNKNOWN. */
export function selectScenarios(
  all: readonly Scenario[],
  names: readonly string[],
): readonly Scenario[] {
  const known = all.map((one) => one.name).join(", ");
  const unknown = names.find((one) => !all.some((other) => other.name === one));
  if (unknown !== undefined) {
    throw new DrError("DRILL_SCENARIO_UNKNOWN", { name: unknown, known });
  }
  return names.length === 0
    ? all
    : all.filter((one) => names.includes(one.name));
}
