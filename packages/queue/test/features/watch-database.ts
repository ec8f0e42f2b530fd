import type { Database, QueryAccess } from "@millrace/database";
import { RawNode } from "kysely";
import type { KyselyPlugin, OperationNode } from "kysely";

export type Watcher = {
  /** Called with each statement that is sent. */
  readonly onStatement?: (text: string) => void;
  /** Waited for before a statement is sent: a slow way there. Not in a transaction. */
  readonly beforeStatement?: (text: string) => Promise<void>;
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
    const watched = access.queryable.withPlugin(plugin);
    const executor = watched.getExecutor();
    const slow = withMethod(executor, "executeQuery", async (query) => {
      await watcher.beforeStatement?.(query.sql);
      return await executor.executeQuery(query);
    });
    const queryable = withMethod(watched, "getExecutor", () => slow);
    return { queryable, transaction: (work) => watched.transaction().execute(work) };
  };
  return { ...database, ...watch(database), background: watch(database.background) };
}

/** The same object with another method. */
function withMethod<Whole extends object, Name extends keyof Whole>(
  whole: Whole,
  name: Name,
  method: Whole[Name],
): Whole {
  return new Proxy(whole, {
    get: (target, key) => {
      if (key === name) return method;
      const own: unknown = Reflect.get(target, key);
      // Of classes with private fields, which no proxy has.
      return typeof own === "function" ? (own.bind(target) as unknown) : own;
    },
  });
}

/** With the parts of the statement that are statements themselves. */
function textOf(node: OperationNode): string {
  if (!RawNode.is(node)) return "?";
  const [first = "", ...others] = node.sqlFragments;
  return others.reduce((text, next, nth) => {
    const part = node.parameters[nth];
    return `${text}${part === undefined ? "?" : textOf(part)}${next}`;
  }, first);
}
