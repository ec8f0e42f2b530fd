import type { Queryable } from "@millrace/database";
import { CompiledQuery, createQueryId } from "kysely";
import type { RootOperationNode } from "kysely";

/** How the database would run the statements that `work` sends: a line of the plan each. */
export async function plansOf(
  queryable: Queryable,
  work: (queryable: Queryable) => Promise<unknown>,
): Promise<string[]> {
  const nodes: RootOperationNode[] = [];
  const watched = queryable.withPlugin({
    transformQuery: ({ node }) => {
      nodes.push(node);
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  });
  await work(watched);
  const lines: string[] = [];
  for (const node of nodes) {
    const { sql, parameters } = queryable.getExecutor().compileQuery(node, createQueryId());
    const explain = CompiledQuery.raw(`EXPLAIN ${sql}`, [...parameters]);
    const plan = await queryable.executeQuery<{ "QUERY PLAN": string }>(explain);
    lines.push(...plan.rows.map((row) => row["QUERY PLAN"]));
  }
  return lines;
}
