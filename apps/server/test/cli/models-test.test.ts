import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseJson } from "@millrace/kernel";
import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "./command.ts";

let folder: string;
let server: FakeModelServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-models-"));
  server = await startFakeModelServer({ port: 0, dimensions: 8 });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

describe("millrace models test", { timeout: 60_000 }, () => {
  it("says of each model what works, in calls that are few and tiny", async () => {
    const environment = { CHAT_URL: server.url, CHAT_MODEL: "fake" };
    const embedding = { EMBEDDING_URL: server.url, EMBEDDING_MODEL: "vectors" };
    const end = await runCommand(["models", "test", "--json"], {
      folder,
      environment: { ...environment, ...embedding },
    });

    expect(end.code).toBe(0);
    expect(parseJson(end.stdout)).toMatchObject([
      {
        name: "openai-compatible:fake",
        kind: "chat",
        works: true,
        error: null,
        structured_output: "schema",
        calls_tools: true,
        counts_tokens_of_streams: true,
        context_tokens: 8192,
        cost_usd: null,
      },
      { name: "openai-compatible:vectors", kind: "embedding", works: true, dimensions: 8 },
    ]);
    expect(server.calls).toHaveLength(4);
  });

  it("ends with 1 when no chat model works, and says why", async () => {
    const environment = { CHAT_URL: "http://127.0.0.1:9/v1", CHAT_MODEL: "gone" };
    const end = await runCommand(["models", "test"], { folder, environment });

    expect(end.code).toBe(1);
    expect(end.stderr).toContain("model_unreachable");
  });

  it("says how to connect a model where there is only the built-in one", async () => {
    const end = await runCommand(["models", "test"], { folder, environment: {} });

    expect(end.code).toBe(0);
    expect(end.stdout).toContain("builtin:");
    expect(end.stderr).toContain("Set CHAT_URL and CHAT_MODEL");
  });

  it("ends with 2 when a model of CHAT_FALLBACK can't be had", async () => {
    const environment = { CHAT_FALLBACK: "gemini:x" };
    const end = await runCommand(["models", "test"], { folder, environment });

    expect(end).toMatchObject({ code: 2, stdout: "" });
    expect(end.stderr).toContain("GEMINI_API_KEY");
  });

  it("says which limits are of models that nobody is asked under", async () => {
    const chat = { CHAT_URL: server.url, CHAT_MODEL: "fake" };
    const mistyped = { ...chat, MODEL_LIMITS: "openai-compatible:fakee=5rpm" };
    const impossible = { ...chat, MODEL_LIMITS: "fake=5rpm" };
    const told = await runCommand(["models", "test"], { folder, environment: mistyped });
    const refused = await runCommand(["models", "test"], { folder, environment: impossible });

    expect(told).toMatchObject({ code: 0, stderr: expect.stringContaining("openai-compatible:fakee") });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('"fake" can\'t have limits') });
  });
});
