/** What a notice of the topics `monitor` and `jobs` makes old: every key of these pages starts alike. */
export const monitorRoot = ["monitor"] as const;

/** The key of one answer in the Query cache, such as `monitorKey("jobs", filters)`. */
export function monitorKey(...parts: readonly unknown[]): readonly unknown[] {
  return [...monitorRoot, ...parts];
}
