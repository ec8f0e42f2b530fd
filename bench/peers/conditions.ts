import { sql } from "kysely";
import { onPostgres, peerServers, withRedis } from "./place.ts";

const postgresSettings = [
  "server_version",
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "shared_buffers",
  "max_wal_size",
  "checkpoint_timeout",
];
const redisSettings = ["appendonly", "appendfsync", "maxmemory-policy"];

/** The versions and settings of the servers, as they say themselves. */
export async function serverConditions(): Promise<string> {
  const { postgresUrl, redisUrl } = await peerServers();
  const settings = await onPostgres(
    postgresUrl,
    sql<{ name: string; value: string }>`
      SELECT name, current_setting(name) AS value FROM unnest(${postgresSettings}::text[]) AS name`,
  );
  const postgres = settings.map(({ name, value }) => `${name} ${value}`).join(", ");
  const redis = await withRedis(redisUrl, async (client) => {
    const version = /redis_version:(\S+)/.exec(await client.info("server"))?.[1] ?? "unknown";
    const flat = await client.config("GET", ...redisSettings);
    return `${version}, ${flat.join(" ")}`;
  });
  return `PostgreSQL: ${postgres}. Redis: ${redis}.`;
}
