import { setTimeout as sleep } from "node:timers/promises";

/** Waits for something that is sure to come. */
export async function until(
  check: () => boolean | Promise<boolean>,
): Promise<void> {
  while (!(await check())) {
    await sleep(10);
  }
}
