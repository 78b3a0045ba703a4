import { EXIT_CODES } from "../core/exit-codes.js";
import { isDrError } from "../core/errors.js";
import type {
  DisasterRecovery,
  RollbackCall,
} from "../session/disaster-recovery.js";

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- chai's types can only be extended so
  namespace Chai {
    interface Assertion {
      /**
       * That a connection's `dr` rolls these contracts back, without misreading
       * storage; it is done, not only planned. `not`: that it refuses to.
       *
       * @param contracts - By their names in deploy.json; default: all.
       */
      rollBack(
        contracts?: string | readonly string[],
        options?: Omit<RollbackCall, "contracts">,
      ): Promise<void>;
    }
  }
}

/** As much of chai as an assertion needs. */
interface AssertionContext {
  readonly _obj: unknown;
  assert(passed: boolean, message: string, negated: string): void;
}

interface AssertionRegistry {
  readonly Assertion: {
    addMethod(
      name: string,
      // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as chai's own types have it
      method: (this: AssertionContext, ...args: any[]) => unknown,
    ): void;
  };
}

/**
 * A chai plugin: `chai.use(drChai)`, then
 * `await expect(connection.dr).to.rollBack("SkillProfile")`.
 */
export function drChai({ Assertion }: AssertionRegistry): void {
  Assertion.addMethod("rollBack", rollBack);
}

async function rollBack(
  this: AssertionContext,
  contracts?: string | readonly string[],
  options: Omit<RollbackCall, "contracts"> = {},
): Promise<void> {
  const names = contracts === undefined ? undefined : [contracts].flat();
  const subject = names?.join(", ") ?? "all contracts";
  const failure = await reasonAgainst(this._obj as DisasterRecovery, {
    ...options,
    ...(names === undefined ? {} : { contracts: names }),
  });
  this.assert(
    failure === undefined,
    `expected ${subject} to roll back, but: ${failure ?? ""}`,
    `expected ${subject} not to roll back, but it did`,
  );
}

/** @throws what says nothing about the contracts, such as an RPC that is down. */
async function reasonAgainst(
  dr: DisasterRecovery,
  call: RollbackCall,
): Promise<string | undefined> {
  try {
    const { safety } = await dr.rollback(call);
    const unknown = Object.entries(safety)
      .filter(([, { verdict }]) => verdict === "unknown")
      .map(([name, { notes }]) => `${name}: ${notes.join(" ")}`);
    return unknown.length === 0
      ? undefined
      : `storage couldn't be compared. ${unknown.join(" ")}`;
  } catch (error) {
    if (isDrError(error) && error.exitCode !== EXIT_CODES.error) {
      return `${error.message} ${error.fix}`;
    }
    throw error;
  }
}
