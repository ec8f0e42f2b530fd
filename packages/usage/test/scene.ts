import { MemoryStore, StoredCache } from "@millrace/cache";
import { openPostgres } from "@millrace/database";
import type { QueryAccess } from "@millrace/database";
import { newId, parseSettings, silentLogger } from "@millrace/kernel";
import type { CallRecord } from "@millrace/models";
import { testDatabases } from "@millrace/testing";
import { onTestFinished } from "vitest";
import { createUsage, usageSettings } from "../src/index.ts";
import type { Usage, UsageSettings } from "../src/index.ts";

export type Ground = { readonly database: QueryAccess; readonly close: () => Promise<void> };

export async function openGround(kind: "embedded" | "postgres" | "pgbouncer"): Promise<Ground> {
  const wanted = testDatabases().find(({ name }) => name === (kind === "embedded" ? kind : "postgres"));
  const opened = await wanted?.open();
  if (opened === undefined) throw new Error(`there is no database of kind ${kind}`);
  if (kind !== "pgbouncer") return opened;
  const { pgbouncerUrl: url } = opened;
  if (url === undefined) throw new Error("there is no pgBouncer");
  const database = openPostgres({ url, poolSize: 8, logger: silentLogger });
  const close = async (): Promise<void> => {
    await database.close();
    await opened.close();
  };
  return { database, close };
}

export const settingsOf = (environment: Record<string, string>): UsageSettings =>
  parseSettings(usageSettings.schema, environment);

/** The ports of one more process. */
export async function openUsage(
  { database }: Pick<Ground, "database">,
  environment: Record<string, string> = {},
  { cache, shared }: Pick<Partial<Parameters<typeof createUsage>[0]>, "cache" | "shared"> = {},
): Promise<Usage> {
  const stored = cache ?? new StoredCache({ store: new MemoryStore(), logger: silentLogger });
  const settings = settingsOf(environment);
  const usage = createUsage({ database, cache: stored, settings, logger: silentLogger, shared });
  await usage.start();
  onTestFinished(() => usage.stop());
  return usage;
}

export function portsOf(usage: Usage) {
  const { ledger, limiter, answers } = usage.ports;
  if (ledger === undefined || limiter === undefined || answers === undefined)
    throw new Error("a port is missing");
  return { ledger, limiter, answers };
}

export function callOf(owner: string | null, changes: Partial<CallRecord> = {}): CallRecord {
  return {
    id: newId(),
    origin: { owner },
    purpose: "test.ask",
    kind: "chat",
    model: "openai:x",
    prompt: "test@1",
    outcome: "answered",
    errorCode: null,
    tokens: { input: 100, output: 20, cachedInput: 10 },
    cost: 0.0015,
    latencyMs: 12.5,
    at: new Date(),
    ...changes,
  };
}
