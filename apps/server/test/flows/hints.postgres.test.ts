import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { Flow } from "./flow.ts";
import { startTcpProxy } from "./tcp-proxy.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

const readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
  warnings: z.array(z.string()),
});

let database: TestDatabase | undefined;
let proxy: TcpProxy;
let flow: Flow;

beforeAll(async () => {
  database = await testDatabases()
    .find(({ name }) => name === "postgres")
    ?.open();
  const url = new URL(database?.url ?? "");
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  const direct = new URL(url);
  direct.host = `127.0.0.1:${proxy.port}`;
  flow = await Flow.start("embedded", { DATABASE_URL: url.href, DATABASE_DIRECT_URL: direct.href });
});
afterAll(async () => {
  await flow.stop();
  await proxy.stop();
  await database?.close();
});

const readyz = () => flow.get("/readyz", readiness);

it("stays ready, and says so, while hints of other processes are not heard", async () => {
  await flow.until(readyz, ({ checks }) => checks.hints?.ok === true);

  proxy.cut();
  const deaf = await flow.until(readyz, ({ checks }) => checks.hints?.ok === false);
  proxy.restore();
  const healed = await flow.until(readyz, ({ checks }) => checks.hints?.ok === true);

  expect(deaf.ready).toBe(true);
  expect(deaf.warnings).toContainEqual(expect.stringMatching(/^Hints/));
  expect(healed).toMatchObject({ ready: true, warnings: [] });
});
