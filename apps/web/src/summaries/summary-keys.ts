/** Where answers on summaries live in the Query cache. */
export const summaryKeys = {
  all: ["summaries"] as const,
  list: ["summaries", "list"] as const,
  text: (id: string) => ["summaries", "text", id] as const,
};
