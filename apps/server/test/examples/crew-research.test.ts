import { acceptedDocumentSchema, crewRunDetailSchema } from "@millrace/contracts";
import { startFakeModelServer } from "@millrace/testing";
import type { Behaviour, ModelCall } from "@millrace/testing";
import { expect, it } from "vitest";
import { runCommand } from "../cli/command.ts";
import { Example } from "./example.ts";

const sentence = "The old mill at the river grinds at night.";
const quotes = [{ document: "Mills", text: sentence }];

/** A model that searches, reads what it found, and forgets its quotes once. */
function research({ step = "", body }: ModelCall): Behaviour | undefined {
  const told = JSON.stringify(body);
  const say = (value: unknown): Behaviour => ({ kind: "answer", content: JSON.stringify(value) });
  switch (step) {
    case "task/collect/turn/1":
      return { kind: "tool_calls", calls: [{ name: "search_documents", input: { query: "mill grinds" } }] };
    case "task/collect/turn/2":
      return {
        kind: "tool_calls",
        calls: [
          { name: "read_document", input: { document: /document ([0-9a-f-]{36})/.exec(told)?.[1] ?? "" } },
        ],
      };
    case "task/collect/turn/3":
      return { kind: "answer", content: told.includes(sentence) ? sentence : "No passage." };
    default:
      if (!step.startsWith("task/answer/")) return undefined;
      return say({
        found: true,
        answer: "At night.",
        quotes: told.includes("Quote the passages") ? quotes : [],
      });
  }
}

it("crew-research: finds and reads a document, and answers with a quote", { timeout: 240_000 }, async () => {
  const models = await startFakeModelServer({ port: 0, script: research });
  try {
    await using example = await Example.start("crew-research", { CHAT_URL: models.url, CHAT_MODEL: "fake" });
    const posted = await example.post("/api/documents", {
      text: `${sentence} Its miller sleeps by day.`,
      title: "Mills",
    });
    await example.succeeded(acceptedDocumentSchema.parse(await posted.json()).job.id);

    const words = [
      "crew",
      "run",
      "research",
      "--input",
      "question=When does the mill grind?",
      "--watch",
      "--json",
    ];
    const done = await runCommand(words, {
      folder: example.folder,
      environment: { MILLRACE_URL: example.url },
    });

    expect(done.code, done.stderr).toBe(0);
    const run = crewRunDetailSchema.parse(JSON.parse(done.stdout));
    expect(run.result?.json).toEqual({ found: true, answer: "At night.", quotes });
    expect(run.tasks.find(({ task }) => task === "collect")?.output).toMatchObject({ raw: sentence });
    expect(run.usage).toMatchObject({ tool_calls: 2 });
  } finally {
    await models.stop();
  }
});
