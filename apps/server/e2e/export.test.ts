import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportedDocumentSchema } from "@millrace/contracts";
import { parseJson } from "@millrace/kernel";
import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { expectAccessible, expectNoSidewaysScroll, openBrowser, watchTroubles } from "./browser.ts";

let browser: Browser;
let folder: string;
let server: RunningMillrace;

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-"));
  server = await startMillrace({ dataDirectory: folder, environment: { TRASH_DAYS: "0" } });
  for (const title of ["Mill accounts", "Mill letters", "River levels"]) await post(title);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

it("saves the documents that the filters leave", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const troubles = watchTroubles(page, server.url);
  await page.goto(`${server.url}/documents?q=mill`);

  await page.getByRole("button", { name: "Export" }).click();
  await page.getByRole("menuitem", { name: "Export JSON" }).waitFor();
  await expectAccessible(page);
  const saved = await save(page, "Export JSON");

  const exported = z.array(exportedDocumentSchema).parse(parseJson(await readFile(saved.path, "utf8")));
  expect(saved.name).toBe("documents.json");
  expect(exported.map(({ document }) => document.title)).toEqual(["Mill letters", "Mill accounts"]);
  expect(troubles).toEqual({ problems: [], foreignRequests: [] });
  await page.close();
});

it("saves one document from its page", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${server.url}/documents`);
  await page.getByRole("link", { name: "River levels" }).first().click();

  await page.getByRole("button", { name: "More actions" }).click();
  const saved = await save(page, "Export Markdown");

  expect(saved.name).toBe("River levels.md");
  expect(await readFile(saved.path, "utf8")).toMatch(/^# River levels\n[^]*## Text\n\nRiver levels: /);
  await page.close();
});

it("says that a document is deleted for good where there is no trash", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${server.url}/documents?q=river`);

  await page.getByRole("checkbox", { name: "Choose River levels" }).check();
  await page.getByRole("button", { name: "Delete…" }).click();
  await page.getByText("It can't be undone.").waitFor();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("1 document deleted for good").waitFor();

  await expect.poll(() => page.getByRole("checkbox", { name: "Choose River levels" }).count()).toBe(0);
  await page.close();
});

it.each([
  { width: 1280, height: 800, colorScheme: "light" },
  { width: 1280, height: 800, colorScheme: "dark" },
  { width: 375, height: 740, colorScheme: "light" },
  { width: 375, height: 740, colorScheme: "dark" },
] as const)("fits a screen of $width, $colorScheme", async ({ width, height, colorScheme }) => {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(`${server.url}/documents`);

  await page.getByRole("button", { name: "Export" }).click();
  const items = page.getByRole("menuitem");
  await items.first().waitFor();

  await expect.poll(() => items.count()).toBe(5);
  for (const item of await items.all()) await expect.poll(() => isWithin(item, page)).toBe(true);
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  await page.close();
});

async function isWithin(item: ReturnType<Page["locator"]>, page: Page): Promise<boolean> {
  const box = await item.boundingBox();
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
  return (
    box !== null && box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height
  );
}

async function save(page: Page, item: string): Promise<{ name: string; path: string }> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: item, exact: true }).click(),
  ]);
  return { name: download.suggestedFilename(), path: await download.path() };
}

async function post(title: string): Promise<void> {
  const response = await fetch(`${server.url}/api/documents`, {
    method: "POST",
    headers: { "content-type": "application/json", prefer: "wait=30" },
    body: JSON.stringify({ title, text: `${title}: the old mill grinds well, and its bread is wonderful.` }),
  });
  expect(response.status).toBe(201);
}
