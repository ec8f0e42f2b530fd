import { testDatabases } from "@millrace/testing";
import { startTcpProxy } from "./tcp-proxy.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

export type ProxiedPostgres = {
  readonly url: string;
  /** The same database through the proxy. */
  readonly proxiedUrl: string;
  readonly proxy: TcpProxy;
  readonly close: () => Promise<void>;
};

/** A database of its own, whose connections can be cut. */
export async function openProxiedPostgres(): Promise<ProxiedPostgres> {
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("this test needs PostgreSQL");
  const database = await kind.open();
  const url = new URL(database.url ?? "");
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  const proxied = new URL(url);
  proxied.host = `127.0.0.1:${proxy.port}`;
  return {
    url: url.href,
    proxiedUrl: proxied.href,
    proxy,
    close: async () => {
      await proxy.stop();
      await database.close();
    },
  };
}
