import { expect, it } from "vitest";
import { waitFor } from "./wait-for.ts";

it("returns what the condition gives in the end", async () => {
  let asked = 0;

  const result = await waitFor(() => (asked++ < 3 ? undefined : "there"), { describe: "it", intervalMs: 1 });

  expect(result).toBe("there");
});

it("takes zero and the empty text as answers", async () => {
  expect(await waitFor(() => 0, { describe: "a number" })).toBe(0);
  expect(await waitFor(() => "", { describe: "a text" })).toBe("");
});

it("fails after the time limit and names what it waited for and the last error", async () => {
  const waiting = waitFor(() => Promise.reject(new Error("no answer")), {
    describe: "the server",
    timeoutMs: 30,
    intervalMs: 5,
  });

  await expect(waiting).rejects.toThrow("Waited 30 ms for: the server; last error: no answer");
});

it("forgets an error that was followed by a plain no", async () => {
  let asked = 0;
  const condition = () => {
    asked += 1;
    if (asked === 1) throw new Error("early");
    return false as const;
  };

  const waiting = waitFor(condition, { describe: "it", timeoutMs: 30, intervalMs: 5 });

  await expect(waiting).rejects.toThrow(/^Waited 30 ms for: it$/);
});
