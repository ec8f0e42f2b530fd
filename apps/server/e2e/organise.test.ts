import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { expectAccessible, expectNoSidewaysScroll, openBrowser, watchTroubles } from "./browser.ts";

let browser: Browser;
let folder: string;
let server: RunningMillrace;

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-"));
  server = await startMillrace({ dataDirectory: folder });
  for (const title of ["Mill accounts", "Mill letters", "River levels"]) await add(title);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function add(title: string): Promise<void> {
  const response = await fetch(`${server.url}/api/documents`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ title, text: `${title}: the old mill grinds well.` }),
  });
  expect(response.status).toBe(202);
}

it("tags, collects, deletes and restores chosen documents", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const troubles = watchTroubles(page, server.url);
  await page.goto(`${server.url}/documents`);
  const choose = async (...titles: string[]) => {
    for (const title of titles) await page.getByRole("checkbox", { name: `Choose ${title}` }).check();
  };
  const rows = () => page.getByRole("row").filter({ hasText: /Mill|River/ });
  const bar = page.getByRole("group", { name: "Chosen documents" });

  await choose("Mill accounts", "Mill letters");
  await expectAccessible(page);
  await bar.getByRole("button", { name: "Tags…" }).click();
  await page.getByRole("combobox", { name: "Tags" }).fill("Old, stone");
  await page.getByRole("button", { name: "Add tags" }).click();
  await page.getByText("2 documents tagged").waitFor();

  await choose("Mill letters");
  await bar.getByRole("button", { name: "Collection…" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Letters");
  await page.getByRole("button", { name: "Put in" }).click();
  await page.getByText("put into the collection").waitFor();

  await page.getByRole("combobox", { name: "Collection" }).selectOption({ label: "Letters" });
  await expect.poll(() => rows().count()).toBe(1);
  await page.getByRole("combobox", { name: "Collection" }).selectOption("");
  await page.getByRole("combobox", { name: "Tag", exact: true }).selectOption("old");
  await expect.poll(() => rows().count()).toBe(2);

  await page.getByRole("checkbox", { name: "Choose all 2 shown" }).check();
  await bar.getByRole("button", { name: "Delete…" }).click();
  await page.getByRole("button", { name: "Move to the trash" }).click();
  await page.getByText("Nothing matches these filters").waitFor();

  await page.getByRole("link", { name: "Trash" }).click();
  await page.getByRole("button", { name: "Restore Mill letters" }).click();
  await page.getByText("1 document restored").waitFor();
  await expect.poll(() => page.getByRole("listitem").filter({ hasText: "gone for good" }).count()).toBe(1);
  await expectAccessible(page);
  await page.getByRole("link", { name: "Documents", exact: true }).last().click();
  await page.getByRole("link", { name: "Mill letters" }).click();
  await page.getByRole("button", { name: "Remove tag stone" }).click();
  await expect.poll(() => page.getByRole("list", { name: "Tags" }).getByRole("listitem").count()).toBe(1);
  await page.getByRole("combobox", { name: /^Add tags/ }).fill("water");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("button", { name: "Remove tag water" }).waitFor();

  expect(troubles).toEqual({ problems: [], foreignRequests: [] });
  await page.close();
});

it("changes all that match only while they are as many as was said", async () => {
  await Promise.all([1, 2, 3].map((number) => add(`Weir ${number}`)));
  const listed = await fetch(`${server.url}/api/documents?search=Weir&limit=1`);
  const { next_cursor: cursor } = z.object({ next_cursor: z.string() }).parse(await listed.json());
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${server.url}/documents?q=Weir&cursor=${encodeURIComponent(cursor)}`);
  await page.getByRole("checkbox", { name: "Choose all 2 shown" }).check();
  await page.getByRole("button", { name: "Choose all that match" }).click();
  await page.getByText("All 3 that match chosen").waitFor();
  await expectAccessible(page);
  await add("Weir 4");
  await page.getByRole("button", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("all 3 documents that match").waitFor();

  await dialog.getByRole("button", { name: "Move to the trash" }).click();
  await page.getByText("The filter fits 4 documents, not 3.").waitFor();
  await dialog.getByText("all 4 documents that match").waitFor();
  await dialog.getByRole("button", { name: "Move to the trash" }).click();

  await page.getByText("4 documents moved to the trash").waitFor();
  await page.close();
});

it("makes, renames and deletes collections on a page of their own", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const troubles = watchTroubles(page, server.url);
  await page.goto(`${server.url}/documents`);
  await page.getByRole("link", { name: "Collections" }).click();
  const name = page.getByRole("textbox", { name: "Name" });
  const rows = page.getByRole("list", { name: "Collections, newest first" }).getByRole("listitem");

  await page.getByRole("button", { name: "New", exact: true }).click();
  await name.fill("Rivers");
  await page.getByRole("button", { name: "Make" }).click();
  await rows.filter({ hasText: "Rivers" }).getByText("0 documents").waitFor();
  await page.getByRole("button", { name: "Rename Letters" }).click();
  await name.fill("Post");
  await page.getByRole("button", { name: "Rename", exact: true }).click();
  await rows.filter({ hasText: "Post" }).getByText("1 document").waitFor();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Delete Rivers" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect.poll(() => rows.count()).toBe(1);

  await rows.getByRole("link", { name: "Post" }).click();
  await page.getByRole("link", { name: "Mill letters" }).waitFor();
  await expect.poll(() => page.getByRole("combobox", { name: "Collection" }).inputValue()).not.toBe("");
  expect(troubles).toEqual({ problems: [], foreignRequests: [] });
  await page.close();
});

it.each([
  { width: 1280, height: 800, colorScheme: "light" },
  { width: 390, height: 740, colorScheme: "dark" },
] as const)("fits a screen of $width, $colorScheme", async ({ width, height, colorScheme }) => {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(`${server.url}/documents`);

  await page.getByRole("checkbox", { name: "Choose River levels" }).check();
  await page.getByRole("group", { name: "Chosen documents" }).waitFor();

  await expectNoSidewaysScroll(page);
  await expectAccessible(page);

  await page.goto(`${server.url}/collections`);
  await page.getByRole("link", { name: "Post" }).waitFor();
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  await page.close();
});
