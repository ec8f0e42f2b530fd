import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newId, parseJson } from "@millrace/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { processedSchema, readJsonLines, runCommand, temporaryFolder } from "./command.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let mill: string;
let bread: string;

const run = (...words: string[]) => runCommand(words, { folder: folder.path });

beforeAll(async () => {
  folder = await temporaryFolder({ hasDatabase: true });
  await writeFile(join(folder.path, "mill.txt"), "The wheel of the mill turns in the river.");
  await writeFile(join(folder.path, "bread.txt"), "Bread is baked in an oven of stone.");
  const { stdout } = await run("process", "--json", "mill.txt", "bread.txt");
  const documents = readJsonLines(stdout).map((line) => processedSchema.parse(line).document);
  mill = documents.find(({ title }) => title.includes("mill"))?.id ?? "";
  bread = documents.find(({ title }) => title.includes("bread"))?.id ?? "";
});
afterAll(() => folder[Symbol.asyncDispose]());

describe("millrace search", () => {
  it("prints hits", async () => {
    expect((await run("search", "wheel")).stdout).toContain(mill);
  });

  it("says on standard error when no hit is good", async () => {
    expect((await run("search", "bread", "galaxy", "telescope")).stderr).toContain("No good match");
  });

  it("exits with 1 when a filter can't be used", async () => {
    const { code, stderr } = await run("search", "wheel", "type:parchment");

    expect([code, stderr.includes("type:parchment")]).toEqual([1, true]);
  });
});

describe("millrace search eval", () => {
  async function questions(...lines: string[]): Promise<string> {
    await writeFile(join(folder.path, "questions.jsonl"), `${lines.join("\n")}\n`);
    return "questions.jsonl";
  }

  it("scores full text, vectors and both", async () => {
    const file = await questions(
      JSON.stringify({ query: "wheel in the river", relevant: [mill] }),
      JSON.stringify({ query: "baked bread", relevant: [bread] }),
      JSON.stringify({ query: "wheel", relevant: [newId()] }),
    );

    const { code, stdout } = await run("search", "eval", file, "--json");

    const scores = z.object({
      mrr: z.number(),
      ndcg_at_10: z.number(),
      recall_at: z.record(z.string(), z.number()),
    });
    const result = z
      .object({ questions: z.literal(3), full_text: scores, vectors: scores, hybrid: scores })
      .parse(parseJson(stdout));
    expect(code).toBe(0);
    expect(result.full_text.mrr).toBeCloseTo(2 / 3);
    expect(result.hybrid.recall_at).toMatchObject({ 1: expect.closeTo(2 / 3), 10: expect.closeTo(2 / 3) });
  });

  it("prints a table for people", async () => {
    const { stdout } = await run(
      "search",
      "eval",
      await questions(JSON.stringify({ query: "wheel", relevant: [mill] })),
    );

    expect(stdout).toMatch(/full text\s+1\.000/);
    expect(stdout).toContain("nDCG@10");
  });

  it("names the line that can't be read, and exits with 2", async () => {
    const file = await questions(JSON.stringify({ query: "a", relevant: [mill] }), "{oops");

    const { code, stderr } = await run("search", "eval", file);

    expect([code, stderr.includes("Line 2")]).toEqual([2, true]);
  });

  it("exits with 3 when there is no file", async () => {
    expect((await run("search", "eval", "none.jsonl")).code).toBe(3);
  });
});
