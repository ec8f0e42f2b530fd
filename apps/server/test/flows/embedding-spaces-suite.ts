import { embeddingSpaceSchema, pageSchema, searchResultSchema } from "@millrace/contracts";
import type { EmbeddingSpace } from "@millrace/contracts";
import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";

const former = "openai-compatible:former";
const latter = "openai-compatible:latter";
/** Passages of their own, for two requests of 64. */
const paragraphs = 75;

/** Another embedding model in the settings, with kill, pause and searches in its midst. */
export function embeddingSpacesSuite(ground: Ground): void {
  describe(`another embedding model, ${ground}`, { timeout: 120_000 }, () => {
    let flow: Flow;
    let models: FakeModelServer;
    let isHeld = true;

    beforeAll(async () => {
      let filled = 0;
      models = await startFakeModelServer({
        port: 0,
        // The first batch is answered, the others are held.
        script: (call) =>
          call.purpose === "search.embedding" && (filled += 1) > 1 && isHeld
            ? { kind: "hold", barrier: "filling" }
            : undefined,
      });
      flow = await Flow.start(
        ground,
        {
          EMBEDDING_URL: models.url,
          EMBEDDING_MODEL: "former",
          MODEL_PRICES: "prices.json",
          WORKER_LEASE_SECONDS: "10",
        },
        // A thousand tokens for a dollar. What the former costs, nobody says.
        { "prices.json": JSON.stringify({ [latter]: { input: 1000, output: 0 } }) },
      );
      const text = Array.from(
        { length: paragraphs },
        (_value, at) => `The sluice ${at} ${"turns ".repeat(260)}`,
      );
      await post(text.join("\n\n"));
    });
    afterAll(async () => {
      await flow.stop();
      await models.stop();
    });

    /** Until it is done with: a document that is at work over a restart may be embedded again, by itself. */
    async function post(text: string): Promise<void> {
      const { document } = await flow.postText(text);
      await flow.settled(document.id);
      await flow.until(
        () => search("sluice"),
        ({ vectors, still_indexing: left }) => vectors.method === "exact" && left === 0,
      );
    }
    const search = (q: string) => flow.get(`/api/search?q=${q}`, searchResultSchema);
    const spaces = async () => (await flow.get("/api/search/spaces", pageSchema(embeddingSpaceSchema))).data;
    const space = async (model: string): Promise<EmbeddingSpace | undefined> =>
      (await spaces()).find((each) => each.model === model);
    const act = async (verb: string, id = "") => flow.send("POST", `/api/search/spaces/${id}/${verb}`);

    it("fills the other space while the former answers, over a kill and a pause, and then switches", async () => {
      await flow.restart({ EMBEDDING_MODEL: "latter" });
      const begun = await flow.until(
        () => space(latter),
        (found) => (found?.passages.done ?? 0) >= 64,
      );
      expect(begun).toMatchObject({ status: "building", error: null });
      // 75 paragraphs of 1,573 characters, of which three to five make up a token.
      expect(begun?.estimated_cost).toBeGreaterThan(23);
      expect(begun?.estimated_cost).toBeLessThan(40);
      expect((await space(former))?.estimated_cost).toBeNull();
      expect(begun?.passages.total).toBeGreaterThan(64);
      expect(await search("sluice")).toMatchObject({
        mode: "hybrid",
        vectors: { model: former, reason: null },
      });

      await flow.server.kill9();
      await flow.startAgain({ EMBEDDING_MODEL: "latter" });
      const paused = await act("pause", begun?.id);
      expect([paused.status, paused.body]).toMatchObject([200, { status: "building" }]);
      isHeld = false;
      models.release("filling");
      await post("A document that comes in the meantime.");
      expect((await space(latter))?.status).toBe("building");
      await act("resume", begun?.id);
      const done = await flow.until(
        () => space(latter),
        (found) => found?.status === "active",
      );

      expect(done?.passages.done).toBe(done?.passages.total);
      expect(done?.passages.total).toBe((begun?.passages.total ?? 0) + 1);
      expect((await space(former))?.status).toBe("retired");
      expect(await search("sluice")).toMatchObject({ mode: "hybrid", vectors: { model: latter } });
      const refused = await act("pause", begun?.id);
      expect([refused.status, codeOf(refused)]).toEqual([409, "space_not_building"]);
      // What was stored before the kill was not embedded again.
      const ofFirst = models.calls.filter(
        (call) => call.purpose === "search.embedding" && JSON.stringify(call.body).includes("The sluice 0 "),
      );
      expect(ofFirst).toHaveLength(1);
    });

    it("goes back to the built-in vectors, although the former model is out of reach then", async () => {
      await flow.restart({ EMBEDDING_URL: "", EMBEDDING_MODEL: "" });

      const switched = await flow.until(
        () => search("sluice"),
        ({ vectors }) => vectors.model.startsWith("builtin:"),
      );

      expect(switched.vectors.method).toBe("exact");
    });
  });
}
