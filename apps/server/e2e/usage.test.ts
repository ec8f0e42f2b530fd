import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll, watchTroubles } from "./browser.ts";
import type { PageTroubles } from "./browser.ts";
import { useModelScene } from "./model-scene.ts";
import { endOf } from "./mill-program.ts";

const quiet = { problems: [], foreignRequests: [] };

const scene = useModelScene();

type Look = { width: number; scheme: "light" | "dark" };

async function open(look: Look = { width: 1280, scheme: "light" }) {
  const page = await scene.browser.newPage({
    viewport: { width: look.width, height: 844 },
    colorScheme: look.scheme,
    reducedMotion: "reduce",
  });
  page.setDefaultTimeout(60_000);
  const troubles: PageTroubles = watchTroubles(page, scene.server.url);
  await page.goto(`${scene.server.url}/usage`);
  await page.getByRole("heading", { level: 1, name: "Usage" }).waitFor();
  return { page, troubles };
}

async function analyse(text: string): Promise<void> {
  const response = await fetch(`${scene.server.url}/api/documents`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ title: "The mill", text }),
  });
  const accepted = (await response.json()) as { job: { id: string } };
  await endOf(scene.server.url, accepted.job.id);
}

/** The list of calls is written within a second after them. */
async function untilListed(): Promise<void> {
  await expect
    .poll(async () => {
      const response = await fetch(`${scene.server.url}/api/usage/calls`);
      return ((await response.json()) as { data: unknown[] }).data.length;
    })
    .toBeGreaterThan(0);
}

const figure = (page: Page, label: string) =>
  page.getByRole("main").locator("dl > div").filter({ hasText: label }).first();

describe("the usage page", () => {
  it("says what is to be done when there are no calls", async () => {
    const { page, troubles } = await open();

    await page.getByRole("heading", { name: "No calls of models in this time" }).waitFor();
    await page.getByText("No budget: calls are limited by nothing here.").waitFor();

    await expectAccessible(page);
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it.each([
    { width: 1280, scheme: "light" },
    { width: 1280, scheme: "dark" },
    { width: 390, scheme: "light" },
    { width: 360, scheme: "dark" },
  ] as const)("shows what was called, and that nobody knows the cost ($width, $scheme)", async (look) => {
    await analyse("The mill stands by the river. The miller is content with the year and with his dog.");
    await untilListed();
    const { page, troubles } = await open(look);

    await figure(page, "Cost").getByText("unknown", { exact: true }).waitFor();
    await page.getByRole("heading", { name: "By day" }).waitFor();
    await page.getByRole("main").getByText("openai-compatible:fake").last().waitFor();
    await page.getByText("Answered", { exact: true }).last().waitFor();

    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it("keeps the filters of the calls in the address", async () => {
    const { page } = await open();
    await page.getByRole("combobox", { name: "Outcome" }).selectOption("failed");

    await page.getByRole("heading", { name: "No call fits these filters" }).waitFor();

    expect(new URL(page.url()).search).toBe("?outcome=failed");
    await page.close();
  });

  it("sets a budget by the keyboard alone, warns of it, and removes it", async () => {
    const { page, troubles } = await open();
    await page.getByRole("button", { name: "New budget" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("textbox", { name: "Tokens a day" }).fill("a few");
    await page.keyboard.press("Enter");
    await page.getByText("This is no number from 0 on.").waitFor();
    await expectAccessible(page);
    await page.getByRole("textbox", { name: "Tokens a day" }).fill("1");
    await page.keyboard.press("Enter");

    await page.getByText("Calls are refused").waitFor();
    await page.getByText(/of 1$/).waitFor();
    await expectAccessible(page);

    await page.getByRole("button", { name: "Remove: All calls together" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByText("No budget: calls are limited by nothing here.").waitFor();
    expect(troubles).toEqual(quiet);
    await page.close();
  });
});
