import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { crewRunDetailSchema } from "@millrace/contracts";
import { startFakeModelServer } from "@millrace/testing";
import { expect, it } from "vitest";
import { Flow } from "../flows/flow.ts";

const page = join(import.meta.dirname, "../../../../docs/extending.md");

/** The block of the page that has this text. */
async function blockWith(text: string): Promise<string> {
  const blocks = [...(await readFile(page, "utf8")).matchAll(/^```\w+\n(?<code>.*?)^```$/gms)];
  const found = blocks.map((block) => block.groups?.["code"] ?? "").find((code) => code.includes(text));
  if (found === undefined) throw new Error(`docs/extending.md has no example with ${text}`);
  return found;
}

it(
  "lets a crew call the tool of the page on programs, as it stands there",
  { timeout: 120_000 },
  async () => {
    const models = await startFakeModelServer({
      port: 0,
      script: ({ step = "" }) =>
        step.endsWith("/turn/1")
          ? { kind: "tool_calls", calls: [{ name: "in_stock", input: { grain: "rye" } }] }
          : { kind: "answer", content: "There are 120 sacks of rye." },
    });
    const flow = await Flow.start(
      "embedded",
      { CHAT_URL: models.url, CHAT_MODEL: "fake" },
      {
        "millrace.config.ts": await blockWith("defineTool("),
        "crews/mill/agents.yaml": await blockWith("tools: [in_stock]"),
        "crews/mill/tasks.yaml": await blockWith("agent: clerk"),
      },
    );
    try {
      const { body } = await flow.send("POST", "/api/crews/mill/runs", {
        json: { inputs: { grain: "rye" } },
      });
      const { id } = crewRunDetailSchema.pick({ id: true }).parse(body);
      const run = await flow.until(
        () => flow.get(`/api/crew-runs/${id}`, crewRunDetailSchema),
        ({ finished_at }) => finished_at !== null,
      );

      expect(run).toMatchObject({ state: "succeeded", usage: { tool_calls: 1 } });
      expect(JSON.stringify(models.calls.at(-1)?.body)).toContain("120 sacks of rye");
    } finally {
      await flow.stop();
      await models.stop();
    }
  },
);
