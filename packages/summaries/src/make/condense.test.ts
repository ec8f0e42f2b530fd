import { MillraceError } from "@millrace/kernel";
import type { TextRoom } from "@millrace/models";
import { describe, expect, it } from "vitest";
import { condense } from "./condense.ts";

const room: TextRoom = {
  textTokens: 200,
  answerTokens: undefined,
  stretch: { maxTokens: 100, minTokens: 50 },
};
const signal = new AbortController().signal;
const onProgress = (): void => undefined;

function paragraphs(count: number, words = (index: number) => `paragraph ${index}`): string {
  return Array.from(
    { length: count },
    (_value, index) => `This is ${words(index)} of a long report about the mill by the river.`,
  ).join("\n\n");
}

describe("bringing a text to the room of a model", () => {
  it("leaves a text alone that fits", async () => {
    const summarise = () => Promise.reject(new Error("nothing is to be summarised"));

    const condensed = await condense("Short.", room, { summarise, signal, onProgress });

    expect(condensed).toEqual({ text: "Short.", isCondensed: false, coverage: 1 });
  });

  it("summarises all of it, level by level, and asks once about what comes twice", async () => {
    const seen: string[] = [];
    const text = paragraphs(400, (index) => `part ${index % 200}`);

    const condensed = await condense(text, room, {
      summarise: async (stretch, hash) => {
        seen.push(hash);
        return { text: stretch.slice(0, 40) };
      },
      signal,
      onProgress,
    });

    expect(condensed).toMatchObject({ isCondensed: true, coverage: 1 });
    expect(new Set(seen).size).toBe(seen.length);
  });

  it("says which share it is about when a model can do nothing with a stretch", async () => {
    let count = 0;
    const condensed = await condense(paragraphs(40), room, {
      summarise: async () => {
        count += 1;
        if (count === 1) throw refusal();
        return { text: "So it is." };
      },
      signal,
      onProgress,
    });

    expect(condensed.coverage).toBeGreaterThan(0.5);
    expect(condensed.coverage).toBeLessThan(1);
  });

  it("fails with the refusal when a model can do nothing with any of it", async () => {
    const summarise = () => Promise.reject(refusal());

    const condensing = condense(paragraphs(40), room, { summarise, signal, onProgress });

    await expect(condensing).rejects.toMatchObject({ code: "text_without_sentences" });
  });

  it("gives up when what is written is as long as what is read", async () => {
    const summarise = (stretch: string) => Promise.resolve({ text: stretch });

    const condensing = condense(paragraphs(40), room, { summarise, signal, onProgress });

    await expect(condensing).rejects.toMatchObject({ code: "summary_not_shorter" });
  });
});

function refusal(): MillraceError {
  return new MillraceError({ code: "text_without_sentences", kind: "unsupported", message: "Only numbers." });
}
