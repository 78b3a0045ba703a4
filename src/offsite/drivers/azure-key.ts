import type { AzureTarget } from "../../config/types.js";
import { DrError, messageOf } from "../../core/errors.js";
import { wayToSetKey } from "./azure-error.js";

/**
 * The key of an account, base64.
 *
 * @param storage - What it is for, for people.
 * @throws {DrError} OFFSITE_DENIED when there is none, or it can't be one.
 */
export async function readKey(
  { account, key }: Pick<AzureTarget, "account" | "key">,
  storage: string,
): Promise<string> {
  const deny = (reason: string, cause?: unknown) =>
    new DrError(
      "OFFSITE_DENIED",
      { storage, operation: "access", reason, way: wayToSetKey(account) },
      { cause },
    );
  let text: string;
  try {
    text = (await key.get()).trim();
  } catch (error) {
    throw deny(`there is no account key: ${messageOf(error)}`, error);
  }
  if (text === "" || Buffer.from(text, "base64").toString("base64") !== text) {
    throw deny("the account key isn't one: it must be base64");
  }
  return text;
}
