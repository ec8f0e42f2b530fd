import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readJsonAnswer } from "./json-answer.ts";

const schema = z.object({ points: z.array(z.string()).min(1) });
const value = { points: ["one", "two"] };

describe("reading a model's answer", () => {
  it.each([
    ["plain JSON", '{"points":["one","two"]}'],
    ["a fence around it", '```json\n{"points":["one","two"]}\n```'],
    ["prose around it", 'Sure! Here it is: {"points":["one","two"]} Hope that helps.'],
    ["thoughts before it", '<think>They want {"x":1}</think>{"points":["one","two"]}'],
    ["single quotes and a trailing comma", "{'points': ['one', 'two',]}"],
    ["a missing end", '{"points":["one","two"'],
  ])("accepts %s", (_name, text) => {
    expect(readJsonAnswer(text, schema)).toEqual({ ok: true, value });
  });

  it("takes a long answer as it stands, and does not repair it: that could hold the process for half a minute", () => {
    const points = Array.from({ length: 10_000 }, () => "one");
    const long = JSON.stringify({ points });

    expect(readJsonAnswer(long, schema)).toEqual({ ok: true, value: { points } });
    expect(readJsonAnswer(long.replace("]", ",]"), schema).ok).toBe(false);
  });

  it("says which field is wrong", () => {
    const answer = readJsonAnswer('{"points":[]}', schema);

    expect(answer).toMatchObject({ ok: false, problem: expect.stringContaining("points") });
  });

  it.each(["", "lorem }{ ipsum", "null", "[]"])("refuses %j", (text) => {
    expect(readJsonAnswer(text, schema).ok).toBe(false);
  });
});
