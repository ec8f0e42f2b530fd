import { afterEach, describe, expect, it, vi } from "vitest";
import { newId } from "./ids.ts";

const inOrder = (ids: readonly string[]): boolean => ids.every((id, nth) => nth === 0 || ids[nth - 1]! < id);
const msOf = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

describe("a new id", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is a UUID of version 7 that begins with the time", () => {
    const before = Date.now();
    const id = newId();

    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(msOf(id)).toBeGreaterThanOrEqual(before);
    expect(msOf(id)).toBeLessThanOrEqual(Date.now());
  });

  it("sorts after all before it, also when many are made at once, and none comes twice", () => {
    const ids = Array.from({ length: 20_000 }, newId);

    expect(inOrder(ids)).toBe(true);
    expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(20_000);
  });

  it("sorts after those before it when the clock goes back", () => {
    vi.useFakeTimers();
    const last = newId();
    vi.setSystemTime(Date.now() - 60_000);

    expect(inOrder([last, newId(), newId()])).toBe(true);
  });
});
