/**
 * Starts work on every item, in order, at most `limit` at once. Returns at once with a promise for
 * each; work that rejects leaves the rest going.
 */
export function startLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result>[] {
  const slots = items.map(() => Promise.withResolvers<Result>());
  let next = 0;
  const runLane = async (): Promise<void> => {
    for (;;) {
      const index = next++;
      const item = items[index];
      const slot = slots[index];
      if (item === undefined || slot === undefined) return;
      await work(item, index).then(slot.resolve, slot.reject);
    }
  };
  for (let lane = 0; lane < Math.min(limit, items.length); lane++) void runLane();
  return slots.map((slot) => slot.promise);
}
