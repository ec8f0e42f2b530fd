import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll, loseFirstAnswer, watchTroubles } from "./browser.ts";
import type { PageTroubles } from "./browser.ts";
import { useModelScene } from "./model-scene.ts";

const quiet = { problems: [], foreignRequests: [] };
const text = "The mill stands by the river. The miller is content with the year and with his dog.";

const diary = [
  "The water mill of Lydford grinds wheat and rye for eleven villages along the river.",
  "The miller writes down every evening how high the water stood at the wheel.",
  "In March the ice broke the sluice, and the mill stood still for nine days.",
  "The villages paid for the new sluice with 40 sacks of flour from the next harvest.",
  "Since then the wheel has turned without a pause until the frost of the following winter.",
  "What the miller wrote is kept in the town hall, where anybody may read it.",
].join(" ");

const scene = useModelScene();

type Look = { width: number; scheme: "light" | "dark" };

async function open(
  look: Look = { width: 1280, scheme: "light" },
): Promise<{ page: Page; troubles: PageTroubles }> {
  const page = await scene.browser.newPage({
    viewport: { width: look.width, height: 844 },
    colorScheme: look.scheme,
    reducedMotion: "reduce",
  });
  page.setDefaultTimeout(60_000);
  const troubles = watchTroubles(page, scene.server.url);
  await page.goto(`${scene.server.url}/summaries`);
  await page.getByRole("heading", { level: 1, name: "Summaries" }).waitFor();
  return { page, troubles };
}

async function summarise(page: Page, given: string): Promise<void> {
  await page.getByLabel("Text to summarise").fill(given);
  await page.getByRole("button", { name: "Summarise" }).click();
}

const looks: Look[] = [
  { width: 1280, scheme: "light" },
  { width: 1280, scheme: "dark" },
  { width: 390, scheme: "light" },
  { width: 390, scheme: "dark" },
];

describe("the page of summaries", () => {
  it("says that there are none yet", async () => {
    const { page, troubles } = await open({ width: 390, scheme: "light" });

    await page.getByText("No summaries yet").waitFor();

    await expectAccessible(page);
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it("shows a summary as it is written, also after a reload, and keeps it", async () => {
    const { page, troubles } = await open();
    scene.models.setScript(() => ({
      kind: "answer",
      content: "A mill works by the river and its miller is content with it all year long.",
      pieceDelayMs: 300,
    }));

    await summarise(page, text);
    await page.getByText("A mill").waitFor();
    await page.reload();
    await page.getByText("A mill").waitFor();
    await page.getByText("content with it all year long.").waitFor();
    await page.getByRole("button", { name: "Copy the summary" }).waitFor();

    await page.getByText("The text", { exact: true }).click();
    await page.getByText(text, { exact: true }).waitFor();
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it("says that the same text was summarised before, and makes a new one when asked to", async () => {
    const { page } = await open();
    await summarise(page, text);
    await page.getByText("The same text was summarised before").waitFor();
    scene.models.setScript(() => ({ kind: "answer", content: "Another summary of the mill." }));

    await page.getByRole("button", { name: "Make a new one" }).click();

    const made = page.getByText("Another summary of the mill.");
    await made.waitFor();
    await expect.poll(() => made.count()).toBe(1);
    await page.close();
  });

  it("makes a new one once when the first answer does not arrive", async () => {
    const { page } = await open();
    scene.models.setScript(() => ({ kind: "answer", content: "At noon a ferry crosses." }));
    const ferry =
      "The ferry crosses at noon. The ferryman waits for the bell of the town before he casts off.";
    await summarise(page, ferry);
    await page.getByText("At noon a ferry crosses.").waitFor();
    await summarise(page, ferry);
    const anew = page.getByRole("listitem").first().getByRole("button", { name: "Make a new one" });
    await anew.waitFor();
    // As the new one comes above it, it is not the first any more.
    const name = await page.getByRole("article").first().getAttribute("aria-labelledby");
    const own = page.locator(`[aria-labelledby="${name}"]`);

    await loseFirstAnswer(page, /\/api\/summaries$/);
    await anew.click();
    await page.getByText("No new summary was begun").waitFor();
    const second = page.waitForResponse((answer) => answer.request().method() === "POST");
    await own.getByRole("button", { name: "Make a new one" }).click();

    expect((await second).headers()["idempotent-replayed"]).toBe("true");
    await page.close();
  });

  it("shows the score and both texts when the summary of a similar text is taken over", async () => {
    const { page } = await open();
    scene.models.setScript(() => ({ kind: "answer", content: "A sluice broke and was paid for in flour." }));
    await summarise(page, diary);
    await page.getByText("A sluice broke and was paid for in flour.").waitFor();

    await summarise(page, diary.replace("anybody may read it", "anyone may read it"));

    await page.getByText("A text that is nearly the same was summarised before").waitFor();
    await page.getByText("The other text", { exact: true }).click();
    await page.getByText("where anybody may read it").filter({ visible: true }).waitFor();
    await expectAccessible(page);
    await page.close();
  });

  it("finds summaries by words of their texts", async () => {
    const { page } = await open();

    await page.getByLabel("Find summaries").fill("sluice frost");

    await page.getByText("Another summary of the mill.").waitFor({ state: "detached" });
    await expect.poll(() => page.getByText("A sluice broke and was paid for in flour.").count()).toBe(2);
    await page.getByLabel("Find summaries").fill("tides");
    await page.getByText("Nothing found").waitFor();
    await page.close();
  });

  it("cancels and deletes", async () => {
    const { page } = await open();
    scene.models.setScript(() => ({ kind: "hang" }));
    await summarise(page, "A text that nobody waits for. Nobody asks what becomes of it.");

    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByText("Cancelled", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Delete A text that nobody waits for." }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();

    const heading = page.getByRole("heading", { name: "A text that nobody waits for." });
    await heading.waitFor({ state: "detached" });
    await expect.poll(() => heading.count()).toBe(0);
    await page.close();
  });

  it.each(looks)("fits and can be read by all, $width px, $scheme", async (look) => {
    const { page, troubles } = await open(look);
    await page.getByText("Another summary of the mill.").waitFor();

    await expectAccessible(page);
    await expectNoSidewaysScroll(page);

    expect(troubles).toEqual(quiet);
    await page.close();
  });
});
