import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acceptedDocumentSchema } from "@millrace/contracts";
import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll, openBrowser, watchTroubles } from "./browser.ts";

let browser: Browser;
let folder: string;
let server: RunningMillrace;

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-"));
  server = await startMillrace({ dataDirectory: folder });
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function uploadLocked(): Promise<string> {
  const bytes = await readFile(join(import.meta.dirname, "../test/flows/files/locked-ledger.pdf"));
  const form = new FormData();
  form.append("file", new Blob([bytes]), "ledger.pdf");
  const reply = await fetch(`${server.url}/api/documents`, { method: "POST", body: form });
  return acceptedDocumentSchema.parse(await reply.json()).document.id;
}

it("asks for the password of a locked PDF, says at the field when it is wrong, and opens it", async () => {
  const id = await uploadLocked();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const troubles = watchTroubles(page, server.url);
  await page.goto(`${server.url}/documents/${id}`);
  const field = page.getByRole("textbox", { name: "Password" });
  const open = page.getByRole("button", { name: "Open", exact: true });

  await field.waitFor();
  expect(await field.getAttribute("type")).toBe("password");
  expect(await field.getAttribute("autocomplete")).toBe("off");
  expect(await open.isDisabled()).toBe(true);
  await expectAccessible(page);

  await field.fill("hunter2");
  await open.click();
  const problem = page.getByText("This password does not open the PDF.");
  await problem.waitFor();
  expect(await field.getAttribute("aria-describedby")).toContain(await problem.getAttribute("id"));
  expect(await field.getAttribute("aria-invalid")).toBe("true");
  expect(await field.inputValue()).toBe("");
  expect(await page.evaluate("document.activeElement.id")).toBe(await field.getAttribute("id"));
  await expectAccessible(page);

  await page.keyboard.type("Schlüssel zum Wehr");
  expect(await problem.count()).toBe(0);
  await page.keyboard.press("Enter");
  await page.getByText("Completed", { exact: true }).first().waitFor();
  expect(await field.count()).toBe(0);
  await page.getByRole("tab", { name: "Text" }).click();
  await page.getByText("Wilhelmina").first().waitFor();
  expect(troubles).toEqual({ problems: [], foreignRequests: [] });
  await page.close();
});

it.each([
  { width: 1280, height: 800, colorScheme: "dark" },
  { width: 390, height: 740, colorScheme: "light" },
] as const)("fits a screen of $width, $colorScheme", async ({ width, height, colorScheme }) => {
  const id = await uploadLocked();
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(`${server.url}/documents/${id}`);

  await page.getByRole("textbox", { name: "Password" }).waitFor();

  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  await page.close();
});
