import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { acceptedDocumentSchema, documentSchema, isSettled } from "@millrace/contracts";
import type { Document } from "@millrace/contracts";
import { startMillrace, waitFor } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  dropFiles,
  expectAccessible,
  expectNoSidewaysScroll,
  openBrowser,
  watchTroubles,
} from "./browser.ts";
import { makePdf } from "./make-pdf.ts";

let browser: Browser;
let folder: string;
let server: RunningMillrace;
/** Of six pages, each with its chapter. */
let pdfId: string;
let longId: string;

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-"));
  server = await startMillrace({ dataDirectory: folder });
  // While a document is worked on what stands above its text grows and shrinks.
  pdfId = await upload("ashford.pdf", await makePdf(browser, 6));
  await waitFor(async () => isSettled((await documentOf(pdfId)).status), {
    describe: "the end of the work on the PDF",
    timeoutMs: 120_000,
  });
  // Of the long one the text is enough.
  longId = await upload("long.md", longText());
  await waitFor(async () => (await documentOf(longId)).text_length !== null, {
    describe: "the long text",
    timeoutMs: 60_000,
  });
});
afterAll(async () => {
  await server.stop();
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

/** 40 sections of 10,000 characters, each line with its number. */
function longText(): string {
  const lines = (section: number) =>
    Array.from(
      { length: 100 },
      (_line, line) => `Line ${section}.${line}: ${"the wheel turns ".repeat(5)}\n\n`,
    );
  return Array.from({ length: 40 }, (_section, at) => `## Section ${at}\n\n${lines(at).join("")}`).join("");
}

async function upload(name: string, content: string | Uint8Array): Promise<string> {
  const form = new FormData();
  form.append("file", new Blob([content]), name);
  const reply = await fetch(`${server.url}/api/documents`, { method: "POST", body: form });
  return acceptedDocumentSchema.parse(await reply.json()).document.id;
}

async function documentOf(id: string): Promise<Document> {
  return documentSchema.parse(await (await fetch(`${server.url}/api/documents/${id}`)).json());
}

async function openPage(width: number, height: number) {
  const page = await browser.newPage({ viewport: { width, height }, reducedMotion: "reduce" });
  return { page, troubles: watchTroubles(page, server.url) };
}

async function shownPage(page: Page): Promise<string> {
  return await page.getByRole("textbox", { name: /^Page/ }).inputValue();
}

/** Whether something has been drawn on the canvas of a page. */
async function isDrawn(page: Page, number: number): Promise<boolean> {
  return await page.evaluate<boolean>(`(() => {
    const canvas = document.querySelector('canvas[aria-label="Page ${number} of the original"]');
    if (canvas === null || canvas.width === 0) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value < 100);
  })()`);
}

/** Whether a page of the text begins near the top of the window, with its words. */
async function isAtTop(page: Page, number: number): Promise<boolean> {
  const label = await page.getByRole("link", { name: `Page ${number}`, exact: true }).boundingBox();
  const words = await page.getByText(`Chapter ${number} `).first().isVisible();
  return words && label !== null && label.y > 60 && label.y < 350;
}

describe("reading a document", () => {
  it("opens where a link leads, with the original beside, and both move together", async () => {
    const { page, troubles } = await openPage(1280, 800);

    await page.goto(`${server.url}/documents/${pdfId}#page=4`);
    await page.getByRole("link", { name: "Page 4", exact: true }).waitFor();
    await expect.poll(() => isAtTop(page, 4)).toBe(true);
    await expect.poll(() => shownPage(page)).toBe("4");
    await expect.poll(() => isDrawn(page, 4)).toBe(true);
    await expectAccessible(page);

    await page.getByRole("button", { name: "Page after" }).click();
    await expect.poll(() => isAtTop(page, 5)).toBe(true);
    await expect.poll(() => isDrawn(page, 5)).toBe(true);
    expect(page.url()).toMatch(/tab=text#page=5$/);

    await page.getByRole("region", { name: "Pages of the original" }).hover();
    await page.mouse.wheel(0, -100_000);
    await expect.poll(() => shownPage(page)).toBe("1");
    await expect.poll(() => isAtTop(page, 1)).toBe(true);
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });

  it("fits a phone, where the original takes the place of the text", async () => {
    const { page, troubles } = await openPage(390, 844);

    await page.goto(`${server.url}/documents/${pdfId}?tab=text#page=3`);
    await page.getByRole("link", { name: "Page 3", exact: true }).waitFor();
    await expect.poll(() => isAtTop(page, 3)).toBe(true);
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);

    await page.getByRole("button", { name: "Show the original" }).click();
    await expect.poll(() => isDrawn(page, 3)).toBe(true);
    await expectNoSidewaysScroll(page);
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });

  it("keeps a few pieces of a long text in the page, marks a passage in it, and jumps to sections", async () => {
    const { page, troubles } = await openPage(1280, 800);
    // As on a slow machine: the place that is held and the one that is jumped to must not fight over the window.
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: 6 });
    const start = longText().indexOf("Line 33.50:");

    await page.goto(`${server.url}/documents/${longId}?tab=text&hl=${start}-${start + 40}`);
    await expect.poll(() => page.locator("mark").first().innerText()).toContain("Line 33.50:");
    const isInSight = async (): Promise<boolean> => {
      const { y = 0 } = (await page.locator("mark").first().boundingBox()) ?? {};
      return y > 100 && y < 700;
    };
    await expect.poll(isInSight).toBe(true);
    await expect.poll(() => page.locator("[data-index]").count()).toBeLessThan(12);

    await page.getByLabel("Section").selectOption({ label: "Section 7" });
    await expect.poll(() => page.getByText("Line 7.2:").first().isVisible()).toBe(true);
    await expect.poll(() => page.locator("[data-index]").count()).toBeLessThan(12);
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });
});

describe("several files, dropped at once", () => {
  it("have one progress, and a bad one does not hold back the others", async () => {
    const { page, troubles } = await openPage(1280, 800);
    const gate = Promise.withResolvers<undefined>();
    await page.route("**/api/documents", async (route) => {
      if (route.request().method() === "POST") await gate.promise;
      await route.continue();
    });
    await page.goto(server.url);
    const text = (name: string) => ({
      name,
      type: "text/plain",
      bytes: Buffer.from(`What stands in ${name}.`),
    });
    const empty = { name: "empty.txt", type: "text/plain", bytes: Buffer.alloc(0) };

    await dropFiles(page, [text("first.txt"), empty, text("second.bak"), text("third.zip")]);

    await page.getByText("0 of 3 files added").waitFor();
    await page.getByText("This file is empty.").waitFor();
    await expectAccessible(page);
    gate.resolve(undefined);
    for (const name of ["first.txt", "second.bak", "third.zip"]) {
      await page
        .getByRole("link", { name: new RegExp(name) })
        .first()
        .waitFor();
    }
    await page.getByText(/of 3 files added/).waitFor({ state: "detached" });
    await expect.poll(() => page.getByText("empty.txt").isVisible()).toBe(true);
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });

  it("are named on another page when one is refused there, and the browser asks before the page goes", async () => {
    const { page } = await openPage(1280, 800);
    const gate = Promise.withResolvers<undefined>();
    await page.route("**/api/documents", async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      await gate.promise;
      return route.fulfill({
        status: 413,
        contentType: "application/problem+json",
        body: JSON.stringify({ code: "file_too_large", detail: "This is more than is taken here." }),
      });
    });
    const mayLeave = () =>
      page.evaluate("window.dispatchEvent(new Event('beforeunload', { cancelable: true }))");
    await page.goto(`${server.url}/usage`);
    await page.getByRole("heading", { name: "Usage", level: 1 }).waitFor();

    await dropFiles(page, [{ name: "late.txt", type: "text/plain", bytes: Buffer.from("Late.") }]);
    await page.getByRole("button", { name: "Cancel the upload of late.txt" }).waitFor();
    expect(await mayLeave()).toBe(false);
    await page.getByRole("link", { name: "Usage", exact: true }).click();
    await page.getByRole("heading", { name: "Usage", level: 1 }).waitFor();
    gate.resolve(undefined);

    const notice = page.getByRole("alert").filter({ hasText: "late.txt was not added" });
    await notice.getByText("This is more than is taken here.").waitFor();
    expect(await mayLeave()).toBe(true);
    await page.close();
  });

  it("may have any name when they are chosen; what is not read is refused by the server, with its reason", async () => {
    const { page } = await openPage(1280, 800);
    await page.goto(server.url);
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Choose files" }).click();
    const emptyArchive = Buffer.alloc(22);
    emptyArchive.write("PK\u0005\u0006", "latin1");

    const picker = await chooser;
    await picker.setFiles([
      { name: "talk.ppsx", mimeType: "", buffer: Buffer.from("What was said in the talk.") },
      { name: "notes.txt", mimeType: "text/plain", buffer: emptyArchive },
    ]);

    expect(await picker.element().getAttribute("accept")).toBeNull();
    await page
      .getByRole("link", { name: /talk\.ppsx/ })
      .first()
      .waitFor();
    await page.getByText(/an archive, such as ZIP/).waitFor();
    await page.close();
  });
});

describe("making a part again", () => {
  it("is offered with the models that are set up, and says what made the result", async () => {
    const { page, troubles } = await openPage(1280, 800);
    const reply = await fetch(`${server.url}/api/documents`, {
      method: "POST",
      headers: { "content-type": "application/json", prefer: "wait=30" },
      body: JSON.stringify({ text: "The eel weir was sold. The new owner restored it with great care." }),
    });
    const { document } = acceptedDocumentSchema.parse(await reply.json());

    await page.goto(`${server.url}/documents/${document.id}`);
    await page.getByRole("button", { name: "Make summary again" }).click({ timeout: 60_000 });
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith("/parts/summary/rerun")),
      page.getByRole("menuitem", { name: "Built-in, extractive" }).click(),
    ]);

    expect(answer.status()).toBe(202);
    const { job } = acceptedDocumentSchema.parse(await answer.json());
    await waitFor(
      async () => {
        const state = await (await fetch(`${server.url}/api/jobs/${job.id}`)).json();
        return typeof state === "object" && state !== null && "state" in state && state.state === "succeeded";
      },
      { describe: "the end of the rerun", timeoutMs: 60_000 },
    );
    await page.getByText("Being made again").waitFor({ state: "detached" });
    await page.getByText("Built-in, extractive").nth(3).waitFor();
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });
});
