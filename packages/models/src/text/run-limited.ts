/**
 * Runs work for every item, a few at a time, and gives the results in the items' order. The first
 * failure stops new work; what already runs is told by the signal and awaited before it is thrown.
 */
export async function runLimited<Item, Result>(
  items: readonly Item[],
  options: { readonly concurrency: number; readonly signal: AbortSignal },
  work: (item: Item, index: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const results: Result[] = [];
  const queue = items.entries();
  let failure: { readonly reason: unknown } | undefined;
  const lane = async () => {
    for (const [index, item] of queue) {
      if (failure !== undefined) return;
      try {
        signal.throwIfAborted();
        results[index] = await work(item, index, signal);
      } catch (error) {
        failure ??= { reason: error };
        failed.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.concurrency, items.length) }, lane));
  if (failure !== undefined) throw failure.reason;
  return results;
}
