import type { Database, QueryAccess } from "@millrace/database";
import type { KyselyPlugin, RootOperationNode } from "kysely";

export type Watcher = {
  /** Called with each statement that is sent. */
  readonly onStatement?: (text: string) => void;
  /** Waited for before the answer of a statement reaches who sent it: a slow way back. */
  readonly beforeAnswer?: (text: string) => Promise<void>;
};

/** The same database, with somebody who looks at what goes through and may keep it waiting. */
export function watchDatabase(database: Database, watcher: Watcher): Database {
  const texts = new WeakMap<object, string>();
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      const text = textOf(node);
      texts.set(queryId, text);
      watcher.onStatement?.(text);
      return node;
    },
    transformResult: async ({ result, queryId }) => {
      await watcher.beforeAnswer?.(texts.get(queryId) ?? "");
      return result;
    },
  };
  const watch = (access: QueryAccess): QueryAccess => {
    const queryable = access.queryable.withPlugin(plugin);
    return { queryable, transaction: (work) => queryable.transaction().execute(work) };
  };
  return { ...database, ...watch(database), background: watch(database.background) };
}

function textOf(node: RootOperationNode): string {
  return node.kind === "RawNode" ? node.sqlFragments.join("?") : "";
}
