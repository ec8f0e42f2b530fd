import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMillrace, testDatabases } from "@millrace/testing";
import type { RunningMillrace, TestDatabase } from "@millrace/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBrowser, watchTroubles } from "./browser.ts";
import { endOf, enqueue, writeMillProgram } from "./mill-program.ts";

let browser: Browser;
let folders: string[];
let store: TestDatabase;
let doomed: RunningMillrace;
let survivor: RunningMillrace;

beforeAll(async () => {
  browser = await openBrowser();
  const kind = testDatabases().find(({ name }) => name === "postgres");
  if (kind === undefined) throw new Error("This test needs PostgreSQL.");
  store = await kind.open();
  folders = await Promise.all(["a", "b"].map((name) => mkdtemp(join(tmpdir(), `millrace-e2e-${name}-`))));
  for (const folder of folders) await writeMillProgram(folder);
});
afterAll(async () => {
  await browser.close();
  await Promise.all([doomed?.kill9(), survivor?.stop()]);
  await store.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

function start(folder: string): Promise<RunningMillrace> {
  // A short lease: the job of the dead worker is to be found soon.
  const environment = { DATABASE_URL: store.url ?? "", WORKER_LEASE_SECONDS: "6" };
  return startMillrace({ dataDirectory: folder, environment });
}

const rowOf = (page: Page, { process: { pid } }: RunningMillrace) =>
  page
    .getByRole("table", { name: "Workers", exact: true })
    .getByRole("row")
    .filter({ hasText: `process ${pid}` });

it("shows a killed worker as lost, and its job going on in another process", async () => {
  const [one = "", other = ""] = folders;
  const done = join(one, "done");
  doomed = await start(one);
  const id = await enqueue(doomed.url, "mills.turn_wheel", { until: done });
  survivor = await start(other);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const troubles = watchTroubles(page, survivor.url);
  await page.goto(`${survivor.url}/monitor/workers`);
  await rowOf(page, doomed).getByText(/^1 of/).waitFor();
  await rowOf(page, survivor).getByText(/^0 of/).waitFor();

  await doomed.kill9();
  await rowOf(page, doomed).getByText("Lost", { exact: true }).waitFor({ timeout: 60_000 });
  await rowOf(page, survivor).getByText(/^1 of/).waitFor({ timeout: 60_000 });
  await rowOf(page, survivor).getByRole("link").first().click();
  await page.getByRole("dialog").getByText(id).waitFor();
  await writeFile(done, "");

  expect(await endOf(survivor.url, id)).toMatchObject({ state: "succeeded" });
  expect(troubles).toEqual({ problems: [], foreignRequests: [] });
  await page.close();
});
