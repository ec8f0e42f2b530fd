import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { expectAccessible, expectNoSidewaysScroll, loseFirstAnswer, watchTroubles } from "./browser.ts";
import type { PageTroubles } from "./browser.ts";
import { useModelScene } from "./model-scene.ts";

const agents = `
researcher:
  role: Researcher
  goal: Find what is new about {topic}
  backstory: You trust numbers.
  tools: [calculator]
`;

const tasks = `
gather:
  description: Gather what was published about {topic} in {year}.
  expected_output: A list of facts
  agent: researcher
write:
  description: Write an article about {topic}.
  expected_output: An article
  agent: researcher
  human_input: true
  output_file: out/article.md
`;

const settings = `
name: Newsroom
description: Writes an article about a topic.
inputs:
  year: 2026
`;

const files: Readonly<Record<string, string>> = {
  "crews/newsroom/agents.yaml": agents,
  "crews/newsroom/tasks.yaml": tasks,
  "crews/newsroom/crew.yaml": settings,
  "crews/misspelt/agents.yaml": agents.replace("calculator", "calculater"),
  "crews/misspelt/tasks.yaml": tasks,
};

const quiet = { problems: [], foreignRequests: [] };
const article = "The mill turns again.";

const scene = useModelScene(files);

type Look = { width: number; scheme: "light" | "dark" };

async function open(path: string, look: Look = { width: 1280, scheme: "light" }) {
  const page = await scene.browser.newPage({
    viewport: { width: look.width, height: 844 },
    colorScheme: look.scheme,
    reducedMotion: "reduce",
  });
  page.setDefaultTimeout(60_000);
  const troubles: PageTroubles = watchTroubles(page, scene.server.url);
  await page.goto(`${scene.server.url}${path}`);
  return { page, troubles };
}

/** The page as it is now, for everybody. */
async function expectReadable(page: Page): Promise<void> {
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
}

const looks = [
  { width: 1280, scheme: "light" },
  { width: 360, scheme: "dark" },
] as const;

describe("the crews page", () => {
  it.each(looks)("shows what crews need, and what is wrong with one ($width, $scheme)", async (look) => {
    const { page, troubles } = await open("/crews", look);

    await page.getByText("Needs: topic · may be given: year").waitFor();
    await page.getByText("This crew can’t be used").waitFor();
    await page.getByText("calculater").waitFor();

    await expectReadable(page);
    expect(troubles).toEqual(quiet);
    await page.close();
  });
});

describe("a run of a crew", () => {
  it("is started, followed while it works, judged, and replayed", async () => {
    scene.models.setScript([
      { kind: "tool_calls", calls: [{ name: "calculator", input: { expression: "6 * 7" } }] },
      { kind: "hold", barrier: "gather" },
      { kind: "answer", content: article },
    ]);
    const { page, troubles } = await open("/crews");
    await page.getByRole("link", { name: "Newsroom" }).click();
    await page.getByText("It has not run yet.").waitFor();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByText("The crew needs this.").waitFor();
    // What is missing is the next to be typed.
    await page.locator("textarea[aria-invalid=true]:focus").waitFor();
    await expectReadable(page);
    await page.getByRole("textbox", { name: "topic" }).fill("mills");
    await page.getByRole("button", { name: "Run", exact: true }).click();

    await page.getByText("Researcher uses calculator").waitFor();
    await page.getByText(/^on gather/).waitFor();
    await expectReadable(page);
    scene.models.release("gather");

    await page.getByText("It waits for an answer").waitFor();
    await page.getByText(article).first().waitFor();
    await expectReadable(page);
    await page.getByRole("button", { name: "Accept it" }).click();

    await page.getByRole("heading", { name: "Result" }).waitFor();
    await page.getByRole("link", { name: "out/article.md" }).waitFor();
    await page.getByText("2 of 2").waitFor();
    const link = await page.getByRole("link", { name: "out/article.md" }).getAttribute("href");
    expect(await (await fetch(`${scene.server.url}${link}`)).text()).toBe(article);
    await expectReadable(page);

    const former = page.url();
    await page.getByRole("button", { name: "Replay from here: write" }).click();
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByRole("link", { name: "Open the former run" }).waitFor();
    expect(page.url()).not.toBe(former);
    await page.getByText("It waits for an answer").waitFor();
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Cancel the run" }).click();
    await page.getByText("Cancelled", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Go on where it ended" }).click();
    await page.getByText("It waits for an answer").waitFor();
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it.each(looks)("can be read when it is over ($width, $scheme)", async (look) => {
    const { page } = await open("/crews/newsroom", look);
    await page.getByRole("link", { name: "topic: mills" }).last().click();

    await page.getByRole("heading", { name: "Result" }).waitFor();
    await page.getByText("3 steps").click();
    await page.getByText("Researcher uses calculator").waitFor();

    await expectReadable(page);
    await page.close();
  });

  it("is started once and replayed once when the first answer does not arrive", async () => {
    const { page } = await open("/crews/newsroom");
    await loseFirstAnswer(page, /\/api\/crews\/newsroom\/runs$/);
    await page.getByRole("textbox", { name: "topic" }).fill("locks");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByText("The server does not answer.").waitFor();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("button", { name: "Accept it" }).click();
    await page.getByRole("heading", { name: "Result" }).waitFor();
    const started = page.url();

    await loseFirstAnswer(page, /\/replay$/);
    await page.getByRole("button", { name: "Replay from here: write" }).click();
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByText("Not replayed").waitFor();
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByRole("link", { name: "Open the former run" }).waitFor();
    expect(page.url()).not.toBe(started);

    const answer = await fetch(`${scene.server.url}/api/crews/newsroom/runs?limit=50`);
    const { data } = z
      .object({ data: z.array(z.object({ inputs: z.object({ topic: z.string() }) })) })
      .parse(await answer.json());
    expect(data.filter(({ inputs }) => inputs.topic === "locks")).toHaveLength(2);
    await page.close();
  });

  it("does not call back who has left the form while it was started", async () => {
    const { page } = await open("/crews/newsroom");
    const gate = Promise.withResolvers<undefined>();
    const isStart = (url: URL) => url.pathname === "/api/crews/newsroom/runs";
    await page.route(isStart, async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      await gate.promise;
      return route.fulfill({ status: 202, json: { id: "019d0000-0000-7000-8000-000000000002" } });
    });
    await page.getByRole("textbox", { name: "topic" }).fill("weirs");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("link", { name: "Usage", exact: true }).click();
    await page.getByRole("heading", { name: "Usage", level: 1 }).waitFor();

    const answered = page.waitForResponse(
      (response) => isStart(new URL(response.url())) && response.request().method() === "POST",
    );
    gate.resolve(undefined);
    await (await answered).finished();

    // Were the page of the run open now, this would lead to what was open before it.
    await page.goBack();
    await page.getByRole("textbox", { name: "topic" }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/crews/newsroom");
    await page.close();
  });

  it("says that there is no such run", async () => {
    const { page } = await open("/crews/runs/019d0000-0000-7000-8000-000000000001");

    await page.getByRole("heading", { name: "This run is not here" }).waitFor();

    await expectReadable(page);
    await page.close();
  });
});
