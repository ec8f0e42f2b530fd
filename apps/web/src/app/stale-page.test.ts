import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { reloadWhenStale } from "./stale-page.ts";

let page: EventTarget;
let reloads: number;

beforeEach(() => {
  page = new EventTarget();
  reloads = 0;
  const stored = new Map<string, string>();
  vi.stubGlobal("window", page);
  vi.stubGlobal("location", { reload: () => (reloads += 1) });
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function missPart(): boolean {
  return page.dispatchEvent(new Event("vite:preloadError", { cancelable: true }));
}

describe("reloadWhenStale", () => {
  it("loads the page anew, once", () => {
    reloadWhenStale(() => false);

    expect(missPart()).toBe(false);
    expect(missPart()).toBe(true);
    expect(reloads).toBe(1);
  });

  it("leaves the failure to the error page while something would be lost", () => {
    let isSending = true;
    reloadWhenStale(() => isSending);

    expect(missPart()).toBe(true);
    expect(reloads).toBe(0);
    isSending = false;
    expect(missPart()).toBe(false);
    expect(reloads).toBe(1);
  });
});
