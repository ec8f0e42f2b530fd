import { jobDetailSchema, systemSchema } from "@millrace/contracts";
import { startFakeModelServer, startMillrace } from "@millrace/testing";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { programFolder } from "./program-folder.ts";

const ownModel = `import { defineConfig, defineTask, handleTask, z } from "millrace";

const unknown = { total: undefined };
const answer = (text: string) => ({
  content: [{ type: "text" as const, text }],
  finishReason: { unified: "stop" as const, raw: undefined },
  usage: {
    inputTokens: { ...unknown, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { ...unknown, text: undefined, reasoning: undefined },
  },
  warnings: [],
});
const task = defineTask({ name: "shout", input: z.object({ text: z.string() }), output: z.string() });

export default defineConfig({
  models: {
    chat: {
      specificationVersion: "v4",
      provider: "parrot",
      modelId: "grey-1",
      supportedUrls: {},
      doGenerate: async ({ prompt }) => answer(JSON.stringify(prompt).includes("hello") ? "HELLO" : "?"),
      doStream: async () => {
        throw new Error("not streamed");
      },
    },
  },
  tasks: ({ models }) => [
    handleTask({
      task,
      run: async ({ input, step, signal }) =>
        step("shout", async () => {
          const asked = { purpose: "shout", instructions: "Shout.", text: input.text, signal };
          return (await models.generateText(asked)).value;
        }),
    }),
  ],
});
`;

it("uses the models that a program brings along, in its tasks too", { timeout: 60_000 }, async () => {
  await using folder = await programFolder({ "millrace.config.ts": ownModel });
  const server = await startMillrace({ dataDirectory: folder.path });
  onTestFinished(async () => void (await server.stop()));
  const response = await fetch(`${server.url}/api/tasks/shout/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json", prefer: "wait=20" },
    body: JSON.stringify({ input: { text: "hello" } }),
  });

  expect(z.object({ output: z.string() }).parse(await response.json()).output).toBe("HELLO");
  const system = systemSchema.parse(await (await fetch(`${server.url}/api/system`)).json());
  expect(system.models.chat).toEqual({ name: "parrot:grey-1", built_in: false });
});

const ownTask = `import { defineConfig, defineTask, handleTask, z } from "millrace";

const task = defineTask({
  name: "shout",
  input: z.object({ text: z.string() }),
  output: z.string(),
  retries: 0,
});

export default defineConfig({
  tasks: ({ models }) => [
    handleTask({
      task,
      run: async ({ input, signal }) => {
        const asked = { purpose: "shout", instructions: "Shout.", text: input.text, signal };
        return (await models.generateText(asked)).value;
      },
    }),
  ],
});
`;

it("puts its jobs off, without using a try up, while a model takes no more requests", async () => {
  await using folder = await programFolder({ "millrace.config.ts": ownTask });
  const models = await startFakeModelServer({ port: 0 });
  onTestFinished(() => models.stop());
  const server = await startMillrace({
    dataDirectory: folder.path,
    environment: { CHAT_URL: models.url, CHAT_MODEL: "fake" },
  });
  onTestFinished(async () => void (await server.stop()));
  models.setScript([{ kind: "rate_limit", retryAfterSeconds: 1 }]);
  const response = await fetch(`${server.url}/api/tasks/shout/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json", prefer: "wait=20" },
    body: JSON.stringify({ input: { text: "hello" } }),
  });

  const { state, attempt, attempts } = jobDetailSchema.parse(await response.json());
  expect([state, attempt]).toEqual(["succeeded", 1]);
  expect(attempts.map(({ outcome }) => outcome)).toEqual(["succeeded", "snoozed"]);
}, 60_000);
