import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFakeModelServer, startMillrace, waitFor } from "@millrace/testing";
import type { FakeModelServer, RunningMillrace } from "@millrace/testing";
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

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-"));
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

async function percentShown(page: Page): Promise<number> {
  const text = await page.getByLabel("Progress", { exact: true }).innerText();
  return Number(/(\d+) %/.exec(text)?.[1] ?? Number.NaN);
}

async function openDroppedDocument(page: Page, name: string): Promise<void> {
  await page
    .getByRole("link", { name: new RegExp(name.replace(".", "\\.")) })
    .first()
    .click();
  await page.waitForURL(/\/documents\/[0-9a-f-]{36}/);
}

describe("a real PDF, dropped on the page", () => {
  let models: FakeModelServer;
  let server: RunningMillrace;

  beforeAll(async () => {
    models = await startFakeModelServer({ port: 0, delayMs: 700 });
    server = await startWith({});
  });
  afterAll(async () => {
    await server.stop();
    await models.stop();
  });

  function startWith(environment: Record<string, string>): Promise<RunningMillrace> {
    return startMillrace({
      dataDirectory: folder,
      environment: { CHAT_URL: models.url, CHAT_MODEL: "fake", CHAT_CONTEXT_TOKENS: "2048", ...environment },
    });
  }

  it("is followed live through a reload and a killed server, and read", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const troubles = watchTroubles(page, server.url);
    const bytes = await makePdf(browser, 12);
    await page.goto(server.url);
    await expectAccessible(page);

    await dropFiles(page, [{ name: "ashford.pdf", type: "application/pdf", bytes }]);
    await openDroppedDocument(page, "ashford.pdf");
    const before = await waitFor(async () => (await percentShown(page)) >= 60 && (await percentShown(page)), {
      describe: "the analysis to be under way",
      timeoutMs: 60_000,
    });
    await page.reload();
    const afterReload = await waitFor(() => percentShown(page), { describe: "the progress after a reload" });
    expect(afterReload).toBeGreaterThanOrEqual(before);

    const { port } = new URL(server.url);
    await server.kill9();
    await page
      .getByRole("status")
      .filter({ hasText: /reconnect|offline|connection/i })
      .first()
      .waitFor();
    server = await startWith({ PORT: port });

    const progress = page.getByLabel("Progress", { exact: true });
    await progress.getByText("Done: done").waitFor({ timeout: 90_000 });
    await page.getByRole("heading", { name: "Summary" }).waitFor();
    await expect.poll(() => page.getByRole("main").getByText("fake", { exact: true }).count()).toBe(4);
    await expectAccessible(page);
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });

  it("can be read, searched for and found at the passage", async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const troubles = watchTroubles(page, server.url);
    await page.goto(`${server.url}/search?q=turbine+dynamo`);

    const hit = page.locator("mark", { hasText: /turbine|dynamo/i }).first();
    await hit.waitFor();
    await expectAccessible(page);
    await page
      .getByRole("main")
      .getByRole("link", { name: /ashford/ })
      .first()
      .click();
    await page.waitForURL(/tab=text/);
    await page.locator("mark").first().waitFor();

    // The list of hits has marks too, and goes only when the page of the document is loaded.
    await expect.poll(() => page.getByRole("main").innerText()).toContain("drove a small dynamo");
    expect(troubles).toEqual({ problems: [], foreignRequests: [] });
    await page.close();
  });
});

describe("the built-in models", () => {
  let server: RunningMillrace;

  beforeAll(async () => {
    server = await startMillrace({ dataDirectory: folder });
  });
  afterAll(async () => {
    await server.stop();
  });

  it.each([
    { name: "desktop, light", width: 1280, height: 800, scheme: "light" },
    { name: "desktop, dark", width: 1280, height: 800, scheme: "dark" },
    { name: "phone, light", width: 390, height: 844, scheme: "light" },
    { name: "phone, dark", width: 390, height: 844, scheme: "dark" },
  ] as const)(
    "make a pasted text into a labelled result ($name)",
    async ({ name, width, height, scheme }) => {
      const page = await browser.newPage({
        viewport: { width, height },
        colorScheme: scheme,
        reducedMotion: "reduce",
      });
      const troubles = watchTroubles(page, server.url);
      await page.goto(server.url);
      await page
        .getByRole("textbox", { name: /paste|text/i })
        .last()
        .fill(
          `Minutes of the mill society (${name}). The committee agreed to repair the sluice before winter. ` +
            "The treasurer reported a good year with many visitors and generous gifts. " +
            "Two members were sad that the old wheel could not be saved. The next meeting is on the third of March.",
        );
      await page.getByRole("button", { name: "Process text" }).click();
      await page.waitForURL(/\/documents\/[0-9a-f-]{36}/);
      await page.getByLabel("Progress", { exact: true }).getByText("Done: done").waitFor({ timeout: 60_000 });

      await page.getByText("Built-in, extractive").nth(3).waitFor();
      await expectNoSidewaysScroll(page);
      await expectAccessible(page);
      for (const path of ["/", "/documents", "/search?q=sluice"]) {
        await page.goto(`${server.url}${path}`);
        await page.getByRole("main").waitFor();
        await expectNoSidewaysScroll(page);
        await expectAccessible(page);
      }
      expect(troubles).toEqual({ problems: [], foreignRequests: [] });
      await page.close();
    },
  );

  describe("with a text that is being sent", () => {
    /** Home with a text that is being sent, and what lets it arrive and waits for the answer. */
    async function openSending(text: string) {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      const gate = Promise.withResolvers<undefined>();
      await page.route("**/api/documents", async (route) => {
        if (route.request().method() === "POST") await gate.promise;
        await route.continue();
      });
      await page.goto(server.url);
      await page.getByRole("textbox", { name: "Text to process" }).fill(text);
      await page.getByRole("button", { name: "Process text" }).click();
      const arrive = async () => {
        const answered = page.waitForResponse(
          (response) => response.url().endsWith("/api/documents") && response.request().method() === "POST",
        );
        gate.resolve(undefined);
        await (await answered).finished();
      };
      return { page, arrive };
    }

    it("does not take away what is typed meanwhile", async () => {
      const { page, arrive } = await openSending("The miller keeps the first text.");
      await page.getByRole("textbox", { name: "Text to process" }).fill("A second text is begun.");

      await arrive();

      await expect.poll(() => page.getByRole("button", { name: "Process text" }).isEnabled()).toBe(true);
      expect(await page.getByRole("textbox", { name: "Text to process" }).inputValue()).toBe(
        "A second text is begun.",
      );
      expect(new URL(page.url()).pathname).toBe("/");
      await page.close();
    });

    it("does not call back who has left meanwhile", async () => {
      const { page, arrive } = await openSending("The miller keeps the third text.");
      await page.getByRole("link", { name: "Usage", exact: true }).click();
      await page.getByRole("heading", { name: "Usage", level: 1 }).waitFor();

      await arrive();

      // Were the document open now, this would lead to what was open before it.
      await page.goBack();
      await page.getByRole("heading", { name: "Add documents" }).waitFor();
      expect(new URL(page.url()).pathname).toBe("/");
      await page.close();
    });
  });
});
