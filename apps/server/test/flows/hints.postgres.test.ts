import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { Flow } from "./flow.ts";
import { openProxiedPostgres } from "./proxied-postgres.ts";
import type { ProxiedPostgres } from "./proxied-postgres.ts";

const readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
  warnings: z.array(z.string()),
});

let postgres: ProxiedPostgres;
let flow: Flow;

beforeAll(async () => {
  postgres = await openProxiedPostgres();
  const { url, proxiedUrl } = postgres;
  flow = await Flow.start("embedded", { DATABASE_URL: url, DATABASE_DIRECT_URL: proxiedUrl });
});
afterAll(async () => {
  await flow.stop();
  await postgres.close();
});

const readyz = () => flow.get("/readyz", readiness);

it("stays ready, and says so, while nothing is heard of other processes", async () => {
  const hears = (wanted: boolean) => (state: z.output<typeof readiness>) =>
    state.checks.hints?.ok === wanted && state.checks.live?.ok === wanted;
  await flow.until(readyz, hears(true));

  postgres.proxy.refuse();
  const deaf = await flow.until(readyz, hears(false));
  postgres.proxy.restore();
  const healed = await flow.until(readyz, hears(true));

  expect(deaf.ready).toBe(true);
  expect(deaf.warnings).toContainEqual(expect.stringMatching(/^Hints/));
  expect(deaf.warnings).toContainEqual(expect.stringMatching(/^What other processes do is not heard/));
  expect(healed).toMatchObject({ ready: true, warnings: [] });
});
