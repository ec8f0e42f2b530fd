import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll, loseFirstAnswer, watchTroubles } from "./browser.ts";
import type { PageTroubles } from "./browser.ts";
import { useModelScene } from "./model-scene.ts";

const quiet = { problems: [], foreignRequests: [] };
const quote = "The mill was built in 1742 by Pieter Molenaar.";
const text = `# The water mill\n\n${quote} It grinds rye on two days of the week.`;

const scene = useModelScene();

type Look = { width: number; scheme: "light" | "dark" };

/** The model answers so when it is asked a question. */
function answering(
  answer: string,
  citations: readonly { passage: number; quote: string }[],
  pieceDelayMs = 0,
): void {
  const content = JSON.stringify({ found: answer !== "", answer, citations });
  scene.models.setScript(({ purpose }) =>
    purpose === "ask.answer" ? { kind: "answer", content, pieceDelayMs } : undefined,
  );
}

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
  await page.goto(`${scene.server.url}/ask`);
  await page.getByRole("heading", { level: 1, name: "Ask" }).waitFor();
  return { page, troubles };
}

async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel("Question", { exact: true }).fill(question);
  await page.keyboard.press("Enter");
}

const looks: Look[] = [
  { width: 1280, scheme: "light" },
  { width: 390, scheme: "dark" },
];

describe("the page Ask", () => {
  beforeAll(async () => {
    const { page } = await open();
    await page.getByText("There is nothing to ask yet").waitFor();
    await page.close();
    const headers = { "content-type": "application/json", prefer: "wait=60" };
    const body = JSON.stringify({ text, title: "Mills" });
    await fetch(`${scene.server.url}/api/documents`, { method: "POST", headers, body });
  });

  it("shows an answer as it is written, then its citations, which open the document at the words", async () => {
    const { page, troubles } = await open();
    await page.getByText("No questions yet").waitFor();
    answering("It was Pieter Molenaar who built it, in the year of 1742 [1].", [{ passage: 1, quote }], 300);

    await ask(page, "Who built the mill?");
    await page.getByText("It was Pieter").waitFor();
    await page.getByText("its citations are looked up when it is done").waitFor();
    await page.reload();
    await page.getByText("It was Pieter").waitFor();
    await page.getByText("Answered", { exact: true }).waitFor();
    await page.getByRole("blockquote").getByText("The mill was built in 1742").waitFor();

    await page.getByRole("link", { name: "Source 1: Mills" }).click();
    await page.locator("mark").getByText("The mill was built in 1742 by Pieter Molenaar").waitFor();
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it("says when nothing was found, which citations were removed, and what is nearest", async () => {
    const { page } = await open();
    answering("A cat did [1].", [{ passage: 1, quote: "The mill was built by the miller's own cat." }]);

    await ask(page, "Did a cat build the mill?");

    await page.getByText("I did not find this in your documents.").waitFor();
    await page.getByText("1 citation of the model is not in the text and was removed.").waitFor();
    const nearest = page.getByRole("region", { name: "The nearest passages" }).getByRole("listitem");
    await nearest.first().waitFor();
    await expect.poll(() => nearest.count()).toBe(1);
    await page.close();
  });

  it("asks one document from its page, and all again", async () => {
    const { page, troubles } = await open();
    answering("In 1742 [1].", [{ passage: 1, quote }]);
    await page.goto(`${scene.server.url}/documents`);
    await page.getByRole("link", { name: "Mills" }).first().click();
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Ask this document" }).click();
    await page.getByText("Asking only Mills").waitFor();

    await ask(page, "When was it built?");

    await page.getByText("in 1 document", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Ask all documents" }).click();
    await page.getByText("Asking only").waitFor({ state: "detached" });
    expect(new URL(page.url()).search).toBe("");
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it("cancels with the written part shown as that, and deletes", async () => {
    const { page } = await open();
    scene.models.setScript(({ purpose }) =>
      purpose === "ask.answer" ? { kind: "stall", pieces: 4 } : undefined,
    );
    await ask(page, "Who built the mill, for ever?");
    await page.getByText("its citations are looked up when it is done").waitFor();

    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByText("Cancelled", { exact: true }).waitFor();
    await page.getByText("nothing of it was checked").waitFor();
    await page.getByRole("button", { name: "Delete Who built the mill, for ever?" }).click();

    const heading = page.getByRole("heading", { name: "Who built the mill, for ever?" });
    await heading.waitFor({ state: "detached" });
    await expect.poll(() => heading.count()).toBe(0);
    await page.close();
  });

  it("asks again once when the first answer does not arrive", async () => {
    const { page } = await open();
    answering("It was Pieter Molenaar [1].", [{ passage: 1, quote }]);
    await ask(page, "Who built the water mill?");
    const again = page.getByRole("button", { name: "Ask again: Who built the water mill?" });
    await again.waitFor();

    await loseFirstAnswer(page, /\/api\/ask$/);
    await again.click();
    await page.getByText("Not asked").waitFor();
    const second = page.waitForResponse((answer) => answer.request().method() === "POST");
    await again.last().click();

    expect((await second).headers()["idempotent-replayed"]).toBe("true");
    await page.close();
  });

  it.each(looks)("fits and can be read by all, $width px, $scheme", async (look) => {
    const { page, troubles } = await open(look);
    await page.getByText("I did not find this in your documents.").waitFor();

    await expectAccessible(page);
    await expectNoSidewaysScroll(page);

    expect(troubles).toEqual(quiet);
    await page.close();
  });
});
