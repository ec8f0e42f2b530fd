import { afterEach, describe, expect, it, vi } from "vitest";
import { changeDocument } from "./organise-requests.ts";

const counts = { matched: 1, changed: 0, unchanged: 0, failed: 0, errors: [], job: null };

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Answers every request alike and keeps what was sent. */
function answerWith(result: object): { url: string; method: string | undefined; body: unknown }[] {
  const sent: { url: string; method: string | undefined; body: unknown }[] = [];
  vi.stubGlobal("fetch", (url: string, { method, body }: RequestInit) => {
    sent.push({ url, method, body: typeof body === "string" ? JSON.parse(body) : body });
    return Promise.resolve(Response.json(result));
  });
  return sent;
}

describe("changing the labels of one document", () => {
  it("names only the label in question, so that those that others gave it stay", async () => {
    const sent = answerWith({ ...counts, changed: 1 });

    await changeDocument("a", { action: "tag", tags: ["water"] });

    const body = { filter: { ids: ["a"] }, change: { action: "tag", tags: ["water"] } };
    expect(sent).toEqual([{ url: "/api/documents/bulk", method: "POST", body }]);
  });

  it("is content when it was so already", async () => {
    answerWith({ ...counts, unchanged: 1 });

    await expect(changeDocument("a", { action: "untag", tags: ["water"] })).resolves.toBeUndefined();
  });

  it("throws what kept it from being changed", async () => {
    const message = "A document has at most 50 tags.";
    answerWith({ ...counts, failed: 1, errors: [{ id: "a", code: "too_many_tags", message }] });

    await expect(changeDocument("a", { action: "tag", tags: ["water"] })).rejects.toThrow(message);
  });
});
