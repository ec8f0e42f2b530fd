/** Where answers on summaries live in the Query cache. */
export const summaryKeys = {
  all: ["summaries"] as const,
  /** All lists; below it that of each search. */
  list: ["summaries", "list"] as const,
  found: (search: string | undefined) => ["summaries", "list", search ?? null] as const,
  text: (id: string) => ["summaries", "text", id] as const,
};
