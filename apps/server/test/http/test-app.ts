import { createLogger } from "@millrace/kernel";
import type { Logger } from "@millrace/kernel";
import type { FastifyInstance } from "fastify";
import { Registry } from "prom-client";
import { createAccessControl } from "../../src/http/access.ts";
import type { AccessControl } from "../../src/http/access.ts";
import { createHttpApp } from "../../src/http/app.ts";
import type { Readiness } from "../../src/http/health.ts";
import type { HttpTimeouts } from "../../src/http/request-guards.ts";
import { serverSettingsSchema } from "../../src/http/settings.ts";

export const token = "the-token-of-these-tests";

export type TestApp = {
  readonly app: FastifyInstance;
  readonly access: AccessControl;
  /** Every line logged so far, parsed. */
  readonly logged: () => readonly Record<string, unknown>[];
};

/** The server as it is started for real, with routes of the test's own. Not yet ready: add routes first. */
export async function createTestApp(
  options: {
    readonly environment?: Readonly<Record<string, string>>;
    readonly readiness?: () => Promise<Readiness>;
    readonly webDirectory?: string;
    readonly timeouts?: HttpTimeouts;
  } = {},
): Promise<TestApp> {
  const lines: string[] = [];
  const logger: Logger = createLogger({
    level: "debug",
    name: "test",
    destination: { write: (line) => void lines.push(line) },
  });
  const settings = serverSettingsSchema.parse(options.environment ?? {});
  const access = createAccessControl({ settings });
  const app = await createHttpApp({
    settings,
    logger,
    access,
    readiness: options.readiness ?? (async () => ({ ready: true, checks: {}, warnings: [] })),
    webDirectory: options.webDirectory ?? "/nonexistent/web",
    metrics: new Registry(),
    version: "1.2.3",
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
  });
  return {
    app,
    access,
    logged: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}
