import { expect, it } from "vitest";
import { modelNames } from "./model-names.ts";

const chat = (name: string) => ({ name, kind: "chat" as const });

it("knows models by their own names and as CrewAI writes them", () => {
  const names = modelNames([chat("openai:gpt-4o"), { name: "openai:vectors", kind: "embedding" }], {});

  expect(names).toEqual({
    "openai:gpt-4o": "openai:gpt-4o",
    "openai/gpt-4o": "openai:gpt-4o",
    "gpt-4o": "openai:gpt-4o",
  });
});

it("takes the first of two that are called the same, and what the configuration says before both", () => {
  const endpoints = [chat("openai-compatible:gemma3"), chat("openai:gemma3")];

  expect(modelNames(endpoints, {})["gemma3"]).toBe("openai-compatible:gemma3");
  expect(modelNames(endpoints, { gemma3: "openai:gemma3" })["gemma3"]).toBe("openai:gemma3");
});
