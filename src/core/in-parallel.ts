/**
 * Does something with each item, a few at a time, in their order. After a
 * failure nothing more is begun, and what has begun is waited for.
 *
 * @throws what failed first.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const queue = items.entries();
  const workers = Array.from({ length: limit }, async () => {
    for (const [index, item] of queue) {
      if (failures.length > 0) {
        return;
      }
      try {
        results[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  });
  await Promise.all(workers);
  if (failures.length > 0) {
    throw failures[0];
  }
  return results;
}
