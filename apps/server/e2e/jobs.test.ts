import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMillrace } from "@millrace/testing";
import type { RunningMillrace } from "@millrace/testing";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  expectAccessible,
  expectNoSidewaysScroll,
  loseFirstAnswer,
  openBrowser,
  watchTroubles,
} from "./browser.ts";
import type { PageTroubles } from "./browser.ts";
import { endOf } from "./mill-program.ts";
import { writeSluiceProgram } from "./sluice-program.ts";

let browser: Browser;
let folder: string;
let server: RunningMillrace;

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-jobs-"));
  await writeSluiceProgram(folder);
  server = await startMillrace({ dataDirectory: folder });
});
afterAll(async () => {
  await browser.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const quiet = { problems: [], foreignRequests: [] };

/** Without what the console says of an answer that was wanted: that an input is invalid. */
function withoutRefusals({ problems, ...others }: PageTroubles): PageTroubles {
  return { ...others, problems: problems.filter((problem) => !/status of 422/.test(problem)) };
}

async function open(path: string): Promise<{ page: Page; troubles: PageTroubles }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const troubles = watchTroubles(page, server.url);
  await page.goto(`${server.url}${path}`);
  return { page, troubles };
}

async function post(path: string, body: unknown): Promise<string> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (typeof answer === "object" && answer !== null && "id" in answer) return String(answer.id);
  throw new Error(`Refused: ${JSON.stringify(answer)}`);
}

const enqueue = (task: string, input: unknown, options: Record<string, unknown> = {}): Promise<string> =>
  post(`/api/tasks/${task}/jobs`, { input, options });

const jobRows = (page: Page) => page.getByRole("table", { name: "Jobs, newest first" }).locator("tbody tr");

describe("a job that fails", () => {
  it("is seen as it comes, opened, understood, retried, and followed until it succeeds", async () => {
    const wood = join(folder, "wood");
    const { page, troubles } = await open("/monitor/jobs?task=sluices.mend_gate");
    await page.getByRole("heading", { name: "No job matches these filters" }).waitFor();

    await enqueue("sluices.mend_gate", { wood }, { tags: ["gate"] });
    await jobRows(page).filter({ hasText: "Failed" }).waitFor();
    await page.getByRole("link", { name: "sluices.mend_gate" }).click();
    await page.getByText("It failed").waitFor();
    const attempts = page.getByRole("list", { name: "Attempts, newest first" }).getByRole("listitem");
    await expect
      .poll(() => attempts.allInnerTexts())
      .toEqual([
        expect.stringMatching(
          /Attempt 1[\s\S]*Failed[\s\S]*no_wood[\s\S]*There is no wood for the gate yet\./,
        ),
      ]);
    await expectAccessible(page);

    await writeFile(wood, "oak");
    await page.getByRole("button", { name: "Retry" }).click();

    await page.getByRole("heading", { name: "Result" }).waitFor();
    await page.getByText("Succeeded").first().waitFor();
    await expect
      .poll(() => attempts.allInnerTexts())
      .toEqual([
        expect.stringMatching(/Attempt 2[\s\S]*Succeeded/),
        expect.stringMatching(/Attempt 1[\s\S]*no_wood/),
      ]);
    await expect.poll(() => page.getByText("It failed").count()).toBe(0);
    await expect.poll(() => page.getByRole("region", { name: "Result" }).innerText()).toContain(wood);
    await expectAccessible(page);
    expect(troubles).toEqual(quiet);
    await page.close();
  });
});

describe("a long list of jobs", () => {
  it("goes on below with a click, and in a tab of its own as a link", async () => {
    for (let count = 0; count < 30; count += 1) {
      await enqueue("sluices.add_depths", [count], { delay_ms: 3_600_000 });
    }
    const { page, troubles } = await open("/monitor/jobs?task=sluices.add_depths");
    const more = page.getByRole("link", { name: "Load more" });
    await more.waitFor();
    const address = page.url();
    const nextPage = new URL((await more.getAttribute("href")) ?? "", address).href;

    await more.click();

    await jobRows(page).nth(29).waitFor();
    expect(page.url()).toBe(address);
    await page.goto(nextPage);
    await page.getByRole("link", { name: "Back to the newest" }).waitFor();
    await expect.poll(() => jobRows(page).count()).toBeLessThan(25);
    expect(troubles).toEqual(quiet);
    await page.close();
  });
});

describe("a job that runs", () => {
  it("shows its progress, steps and log as they come, and is cancelled from its page", async () => {
    const until = join(folder, "never");
    const id = await enqueue("sluices.raise_gate", { turns: 3, until });
    const { page, troubles } = await open(`/monitor/jobs/${id}`);

    await page.getByText("90 % · 3 of 3 turns").waitFor();
    await page.getByRole("group", { name: "Log lines" }).getByText("Turn 3").waitFor();
    await page.getByRole("table", { name: "Steps" }).getByText("oil the winch").waitFor();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Cancel" }).click();

    await page.getByText("Cancelled", { exact: true }).first().waitFor();
    expect(await endOf(server.url, id)).toMatchObject({ state: "cancelled" });
    expect(troubles).toEqual(quiet);
    await page.close();
  });
});

describe("the list of jobs", () => {
  it("keeps its place and says how many are new", async () => {
    await enqueue("sluices.measure_water", { depth: 1 });
    const { page, troubles } = await open("/monitor/jobs?task=sluices.measure_water&state=succeeded");
    await jobRows(page).first().waitFor();
    const before = await jobRows(page).count();

    await enqueue("sluices.measure_water", { depth: 2 });
    await page.getByRole("button", { name: "1 new job" }).waitFor();
    await expect.poll(() => jobRows(page).count()).toBe(before);

    await page.getByRole("button", { name: "1 new job" }).click();
    await expect.poll(() => jobRows(page).count()).toBe(before + 1);
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it("is narrowed by text, worker and times, which the address keeps", async () => {
    await endOf(server.url, await enqueue("sluices.measure_water", { depth: 3 }));
    const { page, troubles } = await open("/monitor/jobs");
    await jobRows(page).first().waitFor();
    await page.getByRole("button", { name: "More filters" }).click();
    const filters = page.getByRole("dialog", { name: "More filters" });
    await filters.getByLabel("Text").fill("measure_w");
    await page.waitForURL(/search=measure_w/);
    await filters.getByLabel("Created from").fill("2020-01-01T00:00");
    await page.waitForURL(/created_after=/);
    await expectAccessible(page);
    await page.reload();
    await page.getByRole("button", { name: "More filters: 2" }).click();
    await expect.poll(() => filters.getByLabel("Created from").inputValue()).toBe("2020-01-01T00:00");
    await jobRows(page).filter({ hasText: "sluices.measure_water" }).first().waitFor();

    await filters.getByLabel("Worker").fill("nobody");

    await page.getByText("No job matches these filters").waitFor();
    await filters.getByRole("button", { name: "Clear these" }).click();
    await jobRows(page).first().waitFor();
    expect(new URL(page.url()).search).toBe("");
    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it("retries those that were chosen, and all that match", async () => {
    const ids = await Promise.all([1, 2, 3].map(() => enqueue("sluices.measure_water", { depth: -1 })));
    for (const id of ids) await endOf(server.url, id);
    const { page, troubles } = await open("/monitor/jobs?state=failed&error=dry");
    await jobRows(page).nth(2).waitFor();

    await page
      .getByRole("checkbox", { name: /^Choose sluices/ })
      .first()
      .check();
    await page.getByRole("button", { name: "Retry 1" }).click();
    await page.getByRole("button", { name: "Retry 1 job" }).click();
    await page.getByText("1 job retried.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
    for (const id of ids) await endOf(server.url, id);

    await page.getByRole("button", { name: "All that match" }).click();
    await page.getByRole("menuitem", { name: "Retry all that match…" }).click();
    await page.getByText("3 jobs fit these filters now: state failed, error dry.").waitFor();
    await expectAccessible(page);
    // Nobody agreed to retry what fails from here on.
    await endOf(server.url, await enqueue("sluices.measure_water", { depth: -1 }));
    await page.getByRole("button", { name: "Retry 3 jobs" }).click();
    await page.getByText("3 jobs retried.").waitFor();

    expect(troubles).toEqual(quiet);
    await page.close();
  });

  it("runs a task by hand, and says at the field what is wrong with its input", async () => {
    const { page, troubles } = await open("/monitor/jobs");
    await page.getByRole("button", { name: "Run a task" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("combobox", { name: "Task" }).selectOption("sluices.measure_water");
    const input = dialog.getByRole("textbox", { name: "Input" });
    await expect.poll(() => input.inputValue()).toBe('{\n  "depth": 0\n}');

    await input.fill('{"depth": "deep"}');
    await dialog.getByRole("button", { name: "Run", exact: true }).click();
    await dialog.getByText(/^depth: .*number/i).waitFor();
    await expectAccessible(page);
    await input.fill('{"depth": 7}');
    await dialog.getByRole("button", { name: "Run", exact: true }).click();

    await page.waitForURL(/\/monitor\/jobs\/[0-9a-f-]{36}/);
    await page.getByRole("region", { name: "Result" }).getByText("7").waitFor();
    expect(withoutRefusals(troubles)).toEqual(quiet);
    await page.close();
  });

  it("runs a task by hand once when the first answer does not arrive", async () => {
    const { page } = await open("/monitor/jobs");
    await loseFirstAnswer(page, /\/api\/tasks\/sluices\.measure_water\/jobs$/);
    await page.getByRole("button", { name: "Run a task" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("combobox", { name: "Task" }).selectOption("sluices.measure_water");
    await dialog.getByRole("textbox", { name: "Input" }).fill('{"depth": 1954}');
    const run = dialog.getByRole("button", { name: "Run", exact: true });
    await run.click();
    await dialog.getByText("The server does not answer.").waitFor();

    const second = page.waitForResponse(/\/api\/tasks\/sluices\.measure_water\/jobs$/);
    await run.click();

    expect((await second).headers()["idempotent-replayed"]).toBe("true");
    await page.waitForURL(/\/monitor\/jobs\/[0-9a-f-]{36}/);
    await page.close();
  });
});

describe("a schedule", () => {
  it("is made with its next runs in sight, paused, resumed, run now and deleted", async () => {
    const { page, troubles } = await open("/monitor/schedules");
    await page.getByRole("button", { name: "New schedule" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Name" }).fill("water level");
    await dialog.getByRole("combobox", { name: "Task" }).selectOption("sluices.measure_water");
    await dialog.getByRole("textbox", { name: "Cron expression" }).fill("30 2 * * 1-5");
    const preview = dialog.getByRole("group", { name: "When it would run" });
    await expect.poll(() => preview.getByRole("listitem").count()).toBe(10);
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Create" }).click();
    const row = page.getByRole("table", { name: "Schedules" }).getByRole("row", { name: /water level/ });
    await row.getByText("Every weekday at 02:30").waitFor();

    await page.getByRole("button", { name: "Actions for water level" }).click();
    await page.getByRole("menuitem", { name: "Pause" }).click();
    await row.getByText("Paused").waitFor();
    await page.getByRole("link", { name: "water level" }).click();
    const drawer = page.getByRole("dialog", { name: "water level" });
    await drawer.getByText(/^Paused .* by/).waitFor();
    await drawer.getByRole("button", { name: "Resume" }).click();
    await drawer.getByText("Active").waitFor();
    await drawer.getByRole("button", { name: "Run now" }).click();
    await drawer.getByText("Succeeded").waitFor();
    await expectAccessible(page);
    await page.keyboard.press("Escape");

    await row.getByText("Succeeded").waitFor();
    await page.getByRole("button", { name: "Actions for water level" }).click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await row.waitFor({ state: "detached" });
    expect(troubles).toEqual(quiet);
    await page.close();
  });
});

describe("a schedule that two persons edit", () => {
  it("keeps what the other one changed meanwhile", async () => {
    const schedule = { name: "ice watch", task: "sluices.measure_water", cron: "0 4 * * *" };
    const id = await post("/api/schedules", { ...schedule, input: { depth: 1 } });
    const { page, troubles } = await open("/monitor/schedules");
    await page.getByRole("button", { name: "Actions for ice watch" }).click();
    await page.getByRole("menuitem", { name: "Edit…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "Cron expression" }).fill("0 5 * * *");
    const address = `${server.url}/api/schedules/${id}`;
    const headers = { "content-type": "application/json" };
    const others = { description: "In winter only", input: { depth: 7 } };
    await fetch(address, { method: "PATCH", headers, body: JSON.stringify(others) });

    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved “ice watch”").waitFor();

    expect(await (await fetch(address)).json()).toMatchObject({ ...others, cron: "0 5 * * *" });
    expect(troubles).toEqual(quiet);
    await page.close();
  });
});

describe("a workflow", () => {
  it("is shown as a tree that moves, leads to its jobs, and is retried as a whole", async () => {
    const wood = join(folder, "more wood");
    const depth = (value: number) => ({ task: "sluices.measure_water", input: { depth: value } });
    const id = await post("/api/workflows", {
      name: "spring works",
      flow: {
        chain: [
          { chord: { header: [depth(1), depth(2)], body: { task: "sluices.add_depths" } } },
          { group: Array.from({ length: 20 }, (_, index) => depth(index)) },
          { task: "sluices.mend_gate", input: { wood } },
        ],
      },
    });
    const { page, troubles } = await open("/monitor/workflows");
    const row = page.getByRole("table", { name: "Workflows, newest first" }).getByRole("row");
    await row.filter({ hasText: "spring works" }).getByText("Failed", { exact: true }).waitFor();
    await page.getByRole("link", { name: "spring works" }).click();

    const tree = page.getByRole("list", { name: "Jobs of the workflow" });
    await tree.getByText("Chain of 3 steps").waitFor();
    await expect.poll(() => tree.getByRole("link", { name: "sluices.measure_water" }).count()).toBe(2);
    await tree.getByText("20 succeeded").click();
    await expect.poll(() => tree.getByRole("link", { name: "sluices.measure_water" }).count()).toBe(22);
    await expectAccessible(page);

    await writeFile(wood, "elm");
    await page.getByRole("button", { name: "Retry what failed" }).click();
    await page.getByRole("heading", { name: "Result" }).waitFor();
    await tree.getByRole("link", { name: "sluices.mend_gate" }).click();

    await page.getByRole("region", { name: "Workflow" }).getByText("Chain of 3 steps").waitFor();
    await page.getByText("Attempt 2").waitFor();
    await expectAccessible(page);
    await page.getByRole("link", { name: "spring works" }).click();
    await page.waitForURL(`**/monitor/workflows/${id}`);
    expect(troubles).toEqual(quiet);
    await page.close();
  });
});

describe("the page of a job and of a schedule", () => {
  it.each([
    { name: "desktop, dark", width: 1280, height: 800, scheme: "dark" },
    { name: "small phone, light", width: 360, height: 740, scheme: "light" },
    { name: "phone, dark", width: 390, height: 844, scheme: "dark" },
  ] as const)("can be read, also by those who listen ($name)", async ({ width, height, scheme }) => {
    const id = await enqueue("sluices.measure_water", { depth: -1 });
    await endOf(server.url, id);
    const schedule = await post("/api/schedules", {
      name: `level ${width} ${scheme}`,
      task: "sluices.measure_water",
      input: { depth: 1 },
      every_seconds: 3600,
    });
    const page = await browser.newPage({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: "reduce",
    });
    const troubles = watchTroubles(page, server.url);

    for (const [path, sight] of [
      [`/monitor/jobs/${id}`, "It failed"],
      [`/monitor/schedules?schedule=${schedule}`, "Next times"],
    ] as const) {
      await page.goto(`${server.url}${path}`);
      await page.getByText(sight).waitFor();
      await expectNoSidewaysScroll(page);
      await expectAccessible(page);
    }
    await page.goto(`${server.url}/monitor/jobs?state=failed`);
    await page
      .getByRole("checkbox", { name: /^Choose sluices/ })
      .first()
      .check();
    await page.getByRole("button", { name: "Retry 1" }).waitFor();
    await expectNoSidewaysScroll(page);
    await expectAccessible(page);
    expect(troubles).toEqual(quiet);
    await page.close();
  });
});
