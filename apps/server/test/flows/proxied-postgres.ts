import { startFaultProxy, testDatabases } from "@millrace/testing";
import type { FaultProxy } from "@millrace/testing";

export type ProxiedPostgres = {
  readonly url: string;
  /** The same database through the proxy. */
  readonly proxiedUrl: string;
  readonly proxy: FaultProxy;
  readonly close: () => Promise<void>;
};

/** A database of its own, whose connections can be cut. */
export async function openProxiedPostgres(): Promise<ProxiedPostgres> {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("this test needs PostgreSQL");
  const database = await kind.open();
  const url = database.url ?? "";
  const proxy = await startFaultProxy({ target: url });
  return {
    url,
    proxiedUrl: proxy.through(url),
    proxy,
    close: async () => {
      await proxy.stop();
      await database.close();
    },
  };
}
