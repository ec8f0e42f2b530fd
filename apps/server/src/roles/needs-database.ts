import { MillraceError } from "@millrace/kernel";
import type { Settings } from "../settings.ts";

/** Throws `database_url_missing` for a role that only makes sense beside others on one database. */
export function assertSharedDatabase(settings: Pick<Settings, "DATABASE_URL">, role: string): void {
  if (settings.DATABASE_URL !== undefined) return;
  throw new MillraceError({
    code: "database_url_missing",
    kind: "invalid",
    message: `millrace ${role} works together with other processes on one PostgreSQL server: set DATABASE_URL. The embedded database is for one process, which does everything: millrace start.`,
  });
}
