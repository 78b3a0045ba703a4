import type { Copies } from "./copies.js";
import type { Part } from "./copies/copy.js";
import type { Measurement } from "./measurement.js";

/** How something is broken. Table names are as PostgreSQL has them: `public.profiles`. */
export type InjectionSpec =
  /** Absent: one with rows, by chance. */
  | { readonly kind: "drop-table"; readonly table?: string | undefined }
  | { readonly kind: "corrupt-rows"; readonly table?: string | undefined }
  | { readonly kind: "lose-database" }
  | {
      readonly kind: "bad-upgrade";
      /** As in deploy.json; absent: all that can be upgraded. */
      readonly contracts?: readonly string[] | undefined;
      /** A contract of the project, or an implementation's address; absent: a copy of the present one that serves users no more. */
      readonly to?: string | undefined;
    }
  | { readonly kind: "lose-deployments" }
  | { readonly kind: "lose-files" }
  /** Bytes in the middle of each of this machine's backups are turned around. */
  | { readonly kind: "damage-backups" }
  | { readonly kind: "lose-backups" }
  /** The first offsite target answers 503. */
  | { readonly kind: "offsite-unavailable" }
  | { readonly kind: "kill-service" };

/** What is recovered with. */
export type RecoverySpec =
  | { readonly task: "dr:db:restore" }
  | {
      readonly task: "dr:rollback";
      /** Absent: all. */
      readonly contracts?: readonly string[] | undefined;
    }
  | { readonly task: "dr:snapshot:restore" }
  | { readonly task: "dr:backup:restore" }
  | {
      readonly task: "dr:offsite:restore";
      readonly what: "database" | "contracts" | "files";
    }
  /** The process that stands in for the project's service is started again. */
  | { readonly task: "start-service" };

/** Something else to break, in a scenario written in TypeScript. */
export interface CustomInjection {
  readonly title: string;
  readonly breaks: Part;
  /** Only through what the copies offer: each of their functions proves first that the drill made the copy. */
  readonly inject: (copies: Copies) => Promise<void>;
}

/** Another way to recover, in a scenario written in TypeScript. */
export interface CustomRecovery {
  readonly title: string;
  readonly recover: (copies: Copies) => Promise<void>;
}

/** A check of a scenario's own, beside those that every scenario has. */
export interface CustomCheck {
  /** Letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  readonly critical?: boolean;
  /** Whoever returns nothing, or throws, fails. */
  readonly measure: (copies: Copies) => Promise<Measurement>;
}

/** A disaster, and the way back. */
export interface Scenario {
  /** Letters, digits and hyphens: `database-corruption`. */
  readonly name: string;
  readonly title: string;
  /** Which objective of `dr.objectives` its recovery is held against. */
  readonly objective: "contracts" | "database";
  /** What must be configured; where something isn't, the scenario is skipped. */
  readonly needs: readonly Part[];
  /** What is drilled as well where it is configured, and left out where it isn't. */
  readonly optional?: readonly Part[] | undefined;
  /** In this order. One that breaks nothing fails the drill. */
  readonly inject: readonly (InjectionSpec | CustomInjection)[];
  readonly recover: readonly (RecoverySpec | CustomRecovery)[];
  readonly checks?: readonly CustomCheck[];
}

/**
 * A scenario of the project's own, the default export of `drills/NAME.ts`. It
 * only gives it its type.
 */
export function defineScenario(scenario: Scenario): Scenario {
  return scenario;
}
