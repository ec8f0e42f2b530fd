import axe from "axe-core";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";

/** Without them Chromium looks for the network at every start. */
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium", args: quiet });
}

export type PageTroubles = { readonly problems: string[]; readonly foreignRequests: string[] };

/** Gathers what must not happen on any page: errors, refusals of the content policy, requests elsewhere. */
export function watchTroubles(page: Page, ownUrl: string): PageTroubles {
  const troubles: PageTroubles = { problems: [], foreignRequests: [] };
  page.on("pageerror", (error) => troubles.problems.push(error.message));
  page.on("console", (message) => {
    // A dropped line is what the test does on purpose.
    const isLostLine =
      /ERR_CONNECTION_REFUSED|WebSocket connection|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(
        message.text(),
      );
    if (message.type() === "error" && !isLostLine) troubles.problems.push(message.text());
  });
  page.on("request", (request) => {
    const url = request.url();
    const isOwn = url.startsWith(ownUrl) || url.startsWith("data:") || url.startsWith("blob:");
    if (!isOwn) troubles.foreignRequests.push(url);
  });
  return troubles;
}

/** Drops files on the page as a person does with the mouse. */
export async function dropFiles(
  page: Page,
  files: readonly { name: string; type: string; bytes: Uint8Array }[],
): Promise<void> {
  // As text, since it runs in the page: nothing of a browser is known here.
  const given = JSON.stringify(
    files.map((file) => ({ ...file, bytes: Buffer.from(file.bytes).toString("base64") })),
  );
  const transfer = await page.evaluateHandle(`((files) => {
    const data = new DataTransfer();
    for (const { name, type, bytes } of files) {
      const decoded = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
      data.items.add(new File([decoded], name, { type }));
    }
    return data;
  })(${given})`);
  await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
  const target = page.getByText("Drop to add");
  await target.waitFor();
  await target.dispatchEvent("dragenter", { dataTransfer: transfer });
  await target.dispatchEvent("dragover", { dataTransfer: transfer });
  await target.dispatchEvent("drop", { dataTransfer: transfer });
}

type AxeResult = { violations: { id: string; impact: string; nodes: { html: string }[] }[] };

/** No serious or critical finding of axe on the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const result = await page.evaluate<AxeResult>("axe.run()");
  const grave = result.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(grave.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

/** The first POST to this path does its work, and its answer does not arrive. */
export async function loseFirstAnswer(page: Page, path: RegExp): Promise<void> {
  let isLost = false;
  await page.route(path, async (route) => {
    if (isLost || route.request().method() !== "POST") return route.continue();
    isLost = true;
    await route.fetch();
    return route.abort("connectionreset");
  });
}

/** Nothing sticks out to the side. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const overhang = await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  expect(overhang).toBe(0);
}
