import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll, openBrowser, watchTroubles } from "./browser.ts";
import type { PageTroubles } from "./browser.ts";
import { endOf, enqueue, writeMillProgram } from "./mill-program.ts";

let browser: Browser;
let folder: string;
let server: RunningMillrace;

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-monitor-"));
  await writeMillProgram(folder);
  server = await startMillrace({
    dataDirectory: folder,
    environment: {
      ALARM_LOOK_SECONDS: "1",
      ALARM_AFTER_LOOKS: "1",
      ALARM_FAILED_JOBS: "mills:1",
      // What depends on the machine, or on the other tests here.
      ALARM_OFF: "database_slow,failure_rate,worker_memory,clock_jump",
    },
  });
});
afterAll(async () => {
  await browser.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function open(path: string): Promise<{ page: Page; troubles: PageTroubles }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const troubles = watchTroubles(page, server.url);
  await page.goto(`${server.url}${path}`);
  return { page, troubles };
}

const rowOf = (page: Page, name: string) =>
  page.getByRole("table", { name: "Queues" }).getByRole("row").filter({ hasText: name });

describe("the queues page", () => {
  it("pauses a queue, shows who and why, and lets it go on", async () => {
    const { page, troubles } = await open("/monitor/queues");
    const row = rowOf(page, "wheels");
    await page.getByRole("button", { name: "Actions for queue wheels" }).click();
    await page.getByRole("menuitem", { name: "Pause…" }).click();
    await page.getByRole("textbox", { name: "Reason" }).fill("The river is low");
    await expectAccessible(page);
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await row.getByText("Paused", { exact: true }).waitFor();
    await expect.poll(() => row.innerText()).toContain("The river is low");

    // Its file is there already: only the pause keeps it from ending.
    const id = await enqueue(server.url, "mills.turn_wheel", { until: folder });
    await row.getByRole("link", { name: "1", exact: true }).waitFor();

    await page.getByRole("button", { name: "Actions for queue wheels" }).click();
    await page.getByRole("menuitem", { name: "Resume" }).click();
    await row.getByText("Paused", { exact: true }).waitFor({ state: "detached" });
    expect(await endOf(server.url, id)).toMatchObject({ state: "succeeded" });
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });

  it("purges what waits, with the number it names", async () => {
    const { page } = await open("/monitor/queues");
    const row = rowOf(page, "wheels");
    await fetch(`${server.url}/api/queues/wheels/pause`, { method: "POST" });
    const ids = [
      await enqueue(server.url, "mills.turn_wheel", { until: folder }),
      await enqueue(server.url, "mills.turn_wheel", { until: folder }),
    ];
    await row.getByRole("link", { name: "2", exact: true }).waitFor();

    await page.getByRole("button", { name: "Actions for queue wheels" }).click();
    await page.getByRole("menuitem", { name: "Purge…" }).click();
    await page.getByRole("button", { name: "Cancel 2 jobs" }).click();
    await page.getByText("Cancelled 2 jobs of queue “wheels”").waitFor();

    for (const id of ids) expect(await endOf(server.url, id)).toMatchObject({ state: "cancelled" });
    await fetch(`${server.url}/api/queues/wheels/resume`, { method: "POST" });
    await page.close();
  });
});

describe("the failures page", () => {
  it("retries what failed alike, and says what became of it", async () => {
    const id = await enqueue(server.url, "mills.grind_grain");
    expect(await endOf(server.url, id)).toMatchObject({ state: "failed" });
    const { page, troubles } = await open("/monitor/failures");
    const group = page.getByRole("listitem").filter({ hasText: "mills.grind_grain" });

    await group.getByRole("button", { name: /^Retry 1/ }).click();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Retry 1 job", exact: true }).click();
    await page.getByText("1 job retried.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();

    await page.getByRole("heading", { name: "Nothing has failed" }).waitFor();
    expect(await endOf(server.url, id)).toMatchObject({ state: "succeeded", attempt: 2 });
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });
});

describe("the workers page", () => {
  it("drains the worker, and lets it run again", async () => {
    const { page, troubles } = await open("/monitor/workers");
    await page.getByRole("button", { name: /^Actions for worker/ }).click();
    await page.getByRole("menuitem", { name: "Drain" }).click();
    await page.getByRole("cell", { name: /^Draining/ }).waitFor();

    await page.getByRole("button", { name: /^Actions for worker/ }).click();
    await page.getByRole("menuitem", { name: "Run again" }).click();
    await page.getByRole("cell", { name: /^Live/ }).waitFor();
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });
});

describe("the alarms page", () => {
  it("shows an open alarm, here and in the navigation, until what it tells of is over", async () => {
    for (let job = 0; job < 2; job++) await endOf(server.url, await enqueue(server.url, "mills.grind_grain"));
    const { page, troubles } = await open("/monitor/alarms");
    const alarm = page.getByRole("main").getByRole("listitem").filter({ hasText: "Failed jobs pile up" });
    await alarm.getByText("Warning", { exact: true }).waitFor();
    await page
      .getByRole("navigation", { name: "Main" })
      .getByRole("link", { name: /Monitor.*1 open alarm/ })
      .waitFor();

    await alarm.getByRole("button", { name: /^Acknowledge/ }).click();
    await alarm.getByText(/^acknowledged by/).waitFor();
    await alarm.getByRole("button", { name: /^Acknowledge/ }).waitFor({ state: "detached" });

    await fetch(`${server.url}/api/jobs/retry`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ filter: { queue: "mills" } }),
    });
    await page.getByRole("heading", { name: "All is well" }).waitFor();
    await page.getByRole("link", { name: "Last 30 days" }).click();
    await alarm.getByText("Cleared", { exact: true }).waitFor();
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });
});

describe("every page of the monitor", () => {
  it.each([
    { name: "desktop, light", width: 1280, height: 800, scheme: "light" },
    { name: "desktop, dark", width: 1280, height: 800, scheme: "dark" },
    { name: "phone, light", width: 390, height: 844, scheme: "light" },
    { name: "small phone, dark", width: 360, height: 740, scheme: "dark" },
  ] as const)("can be read, also by those who listen ($name)", async ({ width, height, scheme }) => {
    await endOf(server.url, await enqueue(server.url, "mills.grind_grain"));
    const page = await browser.newPage({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: "reduce",
    });
    const troubles = watchTroubles(page, server.url);
    await page.goto(`${server.url}/monitor`);
    const links = page.getByRole("navigation", { name: "Monitor" }).getByRole("link");
    await links.nth(7).waitFor();

    for (const link of await links.all()) {
      await link.click();
      await page.getByRole("main").getByRole("heading", { level: 1 }).waitFor();
      await page.getByRole("status", { name: /^Loading/ }).waitFor({ state: "detached" });
      await expectNoSidewaysScroll(page);
      await expectAccessible(page);
    }
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });
});
