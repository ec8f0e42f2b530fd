import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMillrace, startRedisServer, testDatabases } from "@millrace/testing";
import type { RedisServer, RunningMillrace, TestDatabase } from "@millrace/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll, openBrowser, watchTroubles } from "./browser.ts";
import { writeMillProgram } from "./mill-program.ts";

let browser: Browser;
let folder: string;
let store: TestDatabase;
let redis: RedisServer;
let server: RunningMillrace;

beforeAll(async () => {
  browser = await openBrowser();
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("This test needs PostgreSQL.");
  store = await kind.open();
  redis = await startRedisServer();
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-broker-"));
  await writeMillProgram(folder);
  server = await startMillrace({
    dataDirectory: folder,
    // A worker tells of its broker when it renews its lease: it is to be seen soon.
    environment: { DATABASE_URL: store.url ?? "", BROKER_URL: redis.url, WORKER_LEASE_SECONDS: "6" },
  });
});
afterAll(async () => {
  await browser.close();
  await server?.stop();
  await redis?.kill();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

type Health = {
  readonly checks: { readonly hints?: { readonly ok: boolean } };
  readonly warnings: readonly string[];
};

async function health(): Promise<Health & { readonly status: number }> {
  const response = await fetch(`${server.url}/readyz`);
  return { ...((await response.json()) as Health), status: response.status };
}

const noticeOn = (page: Page) =>
  page.getByText("The broker (Redis) is degraded at this API process and 1 worker");
const workersOn = (page: Page) => page.getByRole("table", { name: "Workers", exact: true });

it("shows that the broker is degraded while its server is dead, and no longer when it is back", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const troubles = watchTroubles(page, server.url);
  await page.goto(`${server.url}/monitor`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await expect.poll(health).toMatchObject({ status: 200, checks: { hints: { ok: true } }, warnings: [] });
  expect(await noticeOn(page).count()).toBe(0);

  await redis.kill();
  await noticeOn(page).waitFor({ timeout: 60_000 });

  const { status, checks, warnings } = await health();
  expect([status, checks.hints?.ok]).toEqual([200, false]);
  // The page says what the health page says.
  await page
    .getByText(warnings[0] ?? "no warning")
    .first()
    .waitFor();
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await noticeOn(page).waitFor();
  await expectNoSidewaysScroll(page);

  await page.goto(`${server.url}/monitor/workers`);
  await page.getByText("Redis: degraded").first().waitFor();
  await expectNoSidewaysScroll(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  await workersOn(page).getByText("Redis: degraded").waitFor();
  await expectAccessible(page);
  await workersOn(page).getByRole("row").nth(1).getByRole("link").first().click();
  await page.getByRole("dialog").getByText("Redis: degraded").waitFor();
  await expectAccessible(page);
  await page.keyboard.press("Escape");

  await redis.restart();
  await workersOn(page).getByText("Redis", { exact: true }).waitFor({ timeout: 60_000 });
  await page.goto(`${server.url}/monitor`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await noticeOn(page).waitFor({ state: "detached", timeout: 60_000 });
  expect(await health()).toMatchObject({ status: 200, checks: { hints: { ok: true } }, warnings: [] });
  expect(troubles).toEqual({ problems: [], foreignRequests: [] });
  await page.close();
});
