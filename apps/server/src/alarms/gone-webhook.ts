import { createHash } from "node:crypto";
import type { QueryAccess } from "@millrace/database";
import type { AlarmReading } from "@millrace/queue";
import { sql } from "kysely";

/** Addresses may hold a secret, so only their hash is kept. Another address in the settings is another webhook. */
const hashOf = (url: string): string => createHash("sha256").update(url).digest("hex");

/** Whether its receiver has said that it is gone, to this or another process. */
export async function isGone({ queryable }: Pick<QueryAccess, "queryable">, url: string): Promise<boolean> {
  const found = await sql`SELECT 1 FROM gone_webhook WHERE url_hash = ${hashOf(url)}`.execute(queryable);
  return found.rows.length > 0;
}

/** Nothing more is sent there from now on, by nobody. */
export async function recordGone({ queryable }: Pick<QueryAccess, "queryable">, url: string): Promise<void> {
  await sql`INSERT INTO gone_webhook (url_hash) VALUES (${hashOf(url)}) ON CONFLICT DO NOTHING`.execute(
    queryable,
  );
}

/** It has answered again. What could not be told meanwhile is told now. */
export async function recordBack({ queryable }: Pick<QueryAccess, "queryable">, url: string): Promise<void> {
  await sql`DELETE FROM gone_webhook WHERE url_hash = ${hashOf(url)}`.execute(queryable);
}

/** The alarm on a webhook that is not called any more: whoever relies on it has to see it elsewhere. */
export function goneWebhookReading(url: string | undefined): AlarmReading {
  return {
    kinds: ["webhook_gone"],
    find: async (access) => {
      if (url === undefined || !(await isGone(access, url))) return [];
      const { host } = new URL(url);
      const message = `The webhook at ${host} answered 410 Gone: nothing more is sent to it. Give ALARM_WEBHOOK_URL another address, or, when it is back, run millrace alarms test.`;
      return [{ kind: "webhook_gone", subject: host, message, details: { host } }];
    },
  };
}
