import { setTimeout as sleep } from "node:timers/promises";

/** Waits for something that is sure to come. */
export async function until(check: () => boolean): Promise<void> {
  while (!check()) {
    await sleep(10);
  }
}
