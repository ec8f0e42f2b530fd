/** Where answers on questions live in the Query cache. */
export const askKeys = {
  all: ["ask"] as const,
  list: ["ask", "list"] as const,
  document: (id: string) => ["ask", "document", id] as const,
};
