/**
 * Does something with each item, a few at a time, in their order. After a
 * failure nothing more is begun, and what has begun is waited for.
 *
 * @param items - Taken one by one, only when there is room for another.
 * @throws what failed first.
 */
export async function inParallel<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const queue = numbered(items);
  const workers = Array.from({ length: limit }, async () => {
    try {
      for await (const [index, item] of queue) {
        results[index] = await work(item);
      }
    } catch (error) {
      failures.push(error);
    }
  });
  await Promise.all(workers);
  if (failures.length > 0) {
    throw failures[0];
  }
  return results;
}

/** Whoever leaves it because of a failure ends it for all. */
async function* numbered<T>(
  items: Iterable<T> | AsyncIterable<T>,
): AsyncGenerator<[index: number, item: T]> {
  let index = 0;
  for await (const item of items) {
    yield [index, item];
    index += 1;
  }
}
