import { expect } from "chai";

import { DrError } from "../../src/core/errors.js";

/** The DrError something is refused with; fails when it isn't. */
export async function refusalOf(
  action: () => unknown,
): Promise<DrError> {
  let result: unknown;
  try {
    result = await action();
  } catch (error) {
    if (error instanceof DrError) {
      return error;
    }
    throw error;
  }
  expect.fail(`expected a DrError, but got ${JSON.stringify(result)}`);
}

/** Its code alone. */
export async function codeOf(action: () => unknown): Promise<string> {
  return (await refusalOf(action)).code;
}
