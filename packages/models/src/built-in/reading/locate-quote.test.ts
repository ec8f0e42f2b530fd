import { describe, expect, it } from "vitest";
import { locateQuote } from "./locate-quote.ts";

function found(source: string, quote: string): string | undefined {
  const place = locateQuote(source, quote);
  return place === undefined ? undefined : source.slice(place.start, place.end);
}

describe("locating a quote", () => {
  it.each([
    ["Before. It stands here. After.", "It stands here.", "It stands here."],
    ["Before. It\n   stands\nhere. After.", "It stands here.", "It\n   stands\nhere."],
    ["> It stands\n> here. After.", "It stands here.", "It stands\n> here."],
    [
      "Use **the** [manual](https://example.org/a), please.",
      "Use the manual, please.",
      "Use **the** [manual](https://example.org/a), please.",
    ],
    [
      "And <b class='x'>itâ€™s</b> a cafÃ© here.",
      "And it’s a café here.",
      "And <b class='x'>itâ€™s</b> a cafÃ© here.",
    ],
    ["前言。图书馆每天\n开放。后记。", "图书馆每天开放。", "图书馆每天\n开放。"],
  ])("finds in %j what reads %j", (source, quote, expected) => {
    expect(found(source, quote)).toBe(expected);
  });

  it("does not take other words for it", () => {
    expect(found("It stands there. It stood here.", "It stands here.")).toBeUndefined();
    expect(found("", "Anything.")).toBeUndefined();
    expect(found("abc", "...")).toBeUndefined();
  });

  it("gives up in a moment of processor time where everything looks alike", () => {
    const before = process.cpuUsage();

    expect(found("a ".repeat(5_000_000), `${"a".repeat(500)}b`)).toBeUndefined();

    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(10_000);
  });
});
