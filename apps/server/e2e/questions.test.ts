import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectAccessible, expectNoSidewaysScroll, openBrowser, watchTroubles } from "./browser.ts";
import type { PageTroubles } from "./browser.ts";
import { endOf } from "./mill-program.ts";

const tasks = `
import { defineTask, handleTask, z } from "millrace";

const schemas = {
  choice: z.enum(["publish", "discard", "ask again tomorrow"]),
  truth: z.boolean(),
  text: z.string().min(3),
  number: z.int(),
  object: z.object({ amount: z.number() }),
};
export const ask = handleTask({
  task: defineTask({
    name: "sluices.ask_keeper",
    input: z.strictObject({ kind: z.enum(["choice", "truth", "text", "number", "object"]) }),
    output: z.unknown(),
    retries: 0,
  }),
  run: ({ input, waitFor }) =>
    waitFor("keeper", {
      question: "The water stands 20 cm above the mark of 1954.\\nWhat is to be done with the report?",
      schema: schemas[input.kind],
    }),
});
`;

let browser: Browser;
let folder: string;
let server: RunningMillrace;

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-questions-"));
  await mkdir(join(folder, "tasks"));
  await writeFile(join(folder, "tasks", "keeper.ts"), tasks);
  server = await startMillrace({ dataDirectory: folder });
});
afterAll(async () => {
  await browser.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Without what the console says of an answer that was refused on purpose. */
function seriousOf({ problems, ...others }: PageTroubles): PageTroubles {
  return { ...others, problems: problems.filter((problem) => !/status of 4\d\d/.test(problem)) };
}

const quiet = { problems: [], foreignRequests: [] };

async function ask(kind: string): Promise<string> {
  const response = await fetch(`${server.url}/api/tasks/sluices.ask_keeper/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: { kind } }),
  });
  const job: unknown = await response.json();
  if (typeof job === "object" && job !== null && "id" in job) return String(job.id);
  throw new Error(`Refused: ${JSON.stringify(job)}`);
}

async function open(id: string, width = 1280): Promise<{ page: Page; troubles: PageTroubles }> {
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  const troubles = watchTroubles(page, server.url);
  await page.goto(`${server.url}/monitor/jobs/${id}`);
  await page.getByText("It waits for an answer").waitFor();
  return { page, troubles };
}

const submit = (page: Page) => page.getByRole("button", { name: "Answer" });

describe("a question on the page of its job", () => {
  it.each([1280, 375])("is answered by a choice, %i pixels wide", async (width) => {
    const id = await ask("choice");
    const { page, troubles } = await open(id, width);
    await page.getByText("20 cm above the mark").waitFor();
    await expect.poll(() => submit(page).isDisabled()).toBe(true);
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);

    await page.getByRole("radio", { name: "publish" }).check();
    await submit(page).click();

    await page.getByRole("heading", { name: "Result" }).waitFor();
    expect(await endOf(server.url, id)).toMatchObject({ state: "succeeded", output: "publish" });
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it("is answered by yes or no", async () => {
    const id = await ask("truth");
    const { page } = await open(id);

    await page.getByRole("radio", { name: "No" }).check();
    await submit(page).click();

    expect(await endOf(server.url, id)).toMatchObject({ state: "succeeded", output: false });
    await page.close();
  });

  it("keeps a text that is refused, and says why", async () => {
    const id = await ask("text");
    const { page, troubles } = await open(id);
    const field = page.getByRole("textbox", { name: "Answer" });

    await field.fill("no");
    await submit(page).click();
    await page.getByText(/Too small|at least 3|>=3/).waitFor();
    await expect.poll(() => field.inputValue()).toBe("no");
    await expectAccessible(page);
    await field.fill("not yet");
    await submit(page).click();

    expect(await endOf(server.url, id)).toMatchObject({ state: "succeeded", output: "not yet" });
    expect(seriousOf(troubles)).toEqual(quiet);
    await page.close();
  });

  it.each([
    ["number", "12", 12],
    ["object", '{"amount": 7}', { amount: 7 }],
  ])("is answered by a %s", async (kind, typed, output) => {
    const id = await ask(kind);
    const { page } = await open(id);

    await page.getByRole("textbox", { name: "Answer" }).fill(typed);
    await submit(page).click();

    expect(await endOf(server.url, id)).toMatchObject({ state: "succeeded", output });
    await page.close();
  });

  it("goes when somebody else has answered", async () => {
    const id = await ask("choice");
    const { page } = await open(id);

    await fetch(`${server.url}/api/jobs/${id}/answer`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key: "keeper", answer: "discard" }),
    });

    await page.getByRole("heading", { name: "Result" }).waitFor();
    await expect.poll(() => page.getByText("It waits for an answer").count()).toBe(0);
    await page.close();
  });
});
