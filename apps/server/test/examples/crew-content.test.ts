import { crewRunDetailSchema, crewSchema, pageSchema } from "@millrace/contracts";
import { startFakeModelServer } from "@millrace/testing";
import type { Behaviour, ModelCall } from "@millrace/testing";
import { expect, it } from "vitest";
import { runCommand } from "../cli/command.ts";
import { Example } from "./example.ts";

const post = "# Tides\n\nThe moon pulls, the sea follows.";
const announcement = { title: "Why the sea comes and goes", teaser: "The moon pulls. Read how far." };

/** A model that measures its draft, forgets the heading once, and announces the post as it is asked to. */
function write({ step = "" }: ModelCall): Behaviour {
  if (step === "task/draft/turn/1")
    return { kind: "tool_calls", calls: [{ name: "reading_time", input: { text: post } }] };
  if (step === "task/review/turn/1") return { kind: "answer", content: "The moon pulls, the sea follows." };
  if (step.startsWith("task/teaser/")) return { kind: "answer", content: JSON.stringify(announcement) };
  return { kind: "answer", content: post };
}

it(
  "crew-content: writes a post by one command, with a tool, a guardrail and a schema of its own",
  { timeout: 240_000 },
  async () => {
    const models = await startFakeModelServer({ port: 0, script: write });
    try {
      await using example = await Example.start("crew-content", { CHAT_URL: models.url, CHAT_MODEL: "fake" });
      const millrace = (...words: string[]) =>
        runCommand(words, { folder: example.folder, environment: { MILLRACE_URL: example.url } });

      const listed = await millrace("crew", "ls");
      const missing = await millrace("crew", "run", "content");
      const unknown = await millrace("crew", "run", "contents", "--input", "topic=tides");
      const done = await millrace("crew", "run", "content", "--input", "topic=tides", "--watch", "--json");

      expect(listed.stdout).toContain("content");
      expect([listed.code, missing.code, unknown.code]).toEqual([0, 1, 3]);
      expect(missing.stderr).toContain("crew_inputs_invalid");
      expect(done.code, done.stderr).toBe(0);
      expect(done.stderr).toContain("draft: Writer for curious people used reading_time");
      const run = crewRunDetailSchema.parse(JSON.parse(done.stdout));
      expect(run.result?.json).toEqual(announcement);
      expect(run.files).toMatchObject([{ path: "posts/tides.md", task: "review" }]);
      expect(run.usage).toMatchObject({ model_calls: 6, tool_calls: 1 });
      const { data } = await example.get("/api/crews", pageSchema(crewSchema));
      expect(data).toMatchObject([{ name: "content", warnings: [], error: null }]);
    } finally {
      await models.stop();
    }
  },
);
