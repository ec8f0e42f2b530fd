import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { acceptedDocumentSchema, collectionSchema, searchResultSchema } from "@millrace/contracts";
import type { SearchResult } from "@millrace/contracts";
import { startFakeModelServer } from "@millrace/testing";
import type { FakeModelServer } from "@millrace/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { codeOf, Flow } from "./flow.ts";
import type { Ground } from "./flow.ts";

async function post(flow: Flow, text: string, title: string): Promise<string> {
  const reply = await flow.send("POST", "/api/documents", { json: { text, title } });
  const { document } = acceptedDocumentSchema.parse(reply.body);
  await flow.settled(document.id);
  return document.id;
}

function search(flow: Flow, parameters: Record<string, string>): Promise<SearchResult> {
  return flow.get(`/api/search?${new URLSearchParams(parameters).toString()}`, searchResultSchema);
}

const idsOf = (result: SearchResult) => result.data.map((hit) => hit.document_id);

/** What a client asks of the search, with the built-in models. */
export function searchSuite(ground: Ground): void {
  describe(`search, ${ground}`, () => {
    let flow: Flow;
    let lease: string;
    let report: string;
    /** In German, and a file. All three name Ashford. */
    let letter: string;

    beforeAll(async () => {
      flow = await Flow.start(ground);
      lease = await post(
        flow,
        "The tenant in Ashford pays the rent on the first day. Water is included.",
        "Lease of the mill",
      );
      report = await post(
        flow,
        "# Year\n\nRent income of Ashford grew well this year. We are happy about it.",
        "Annual report",
      );
      const german =
        "# Brief\n\nDas Wasser des Flusses treibt das Rad der Mühle in Ashford seit vielen Jahren an.";
      const reply = await flow.postFile(german, "brief.md");
      letter = acceptedDocumentSchema.parse(reply.body).document.id;
      await flow.settled(letter);
    });
    afterAll(() => flow.stop());

    it("gives title, section and score, and says how the vectors took part", async () => {
      const result = await search(flow, { q: "rent income", explain: "true" });

      expect(idsOf(result)).toEqual([report, lease]);
      expect(result).toMatchObject({
        mode: "hybrid",
        no_good_match: false,
        has_more: false,
        next_cursor: null,
      });
      expect(result.vectors).toMatchObject({ method: "exact", reason: null });
      const [first] = result.data;
      expect(first).toMatchObject({ document_title: "Annual report", section: "Year" });
      const { full_text: text, vectors } = first?.explanation ?? {};
      expect(text).toMatchObject({ rank: 1, weight: 1, coverage: 1 });
      expect((text?.contribution ?? 0) + (vectors?.contribution ?? 0)).toBeCloseTo(first?.score ?? 0);
    });

    it("says on which page and in which section the first match stands, not where its passage begins", async () => {
      const bytes = await readFile(join(import.meta.dirname, "files", "mill.pdf"));
      const pages = acceptedDocumentSchema.parse((await flow.postFile(bytes, "mill.pdf")).body).document;
      await flow.settled(pages.id);
      await post(flow, "# Sluice\n\nIt is of oak.\n\n# Weir\n\nHerons fish there.", "The river");

      const [second] = (await search(flow, { q: "bread flour" })).data;
      const [heron] = (await search(flow, { q: "herons" })).data;

      expect(second).toMatchObject({ document_id: pages.id, page: 2, char_start: 0 });
      expect(heron).toMatchObject({ section: "Weir", page: null, char_start: 0 });
    });

    it("explains only when asked to", async () => {
      expect((await search(flow, { q: "rent" })).data[0]).not.toHaveProperty("explanation");
    });

    it.each([
      ["a part of the title", { title: "mill" }, "rent title:mill"],
      ["a day", { created_after: "2020-01-01", title: "LEASE" }, "rent after:2020-01-01 title:lease"],
    ])("looks only in documents with %s", async (_name, parameters, query) => {
      expect(idsOf(await search(flow, { q: "rent", ...parameters }))).toEqual([lease]);
      expect(idsOf(await search(flow, { q: query }))).toEqual([lease]);
    });

    it.each([
      ["file_type", "type", { right: "markdown", wrong: "pdf" }, () => letter],
      ["language", "language", { right: "de", wrong: "fr" }, () => letter],
      ["sentiment", "sentiment", { right: "positive", wrong: "negative" }, () => report],
    ])(
      "finds by %s what is so, and nothing by another",
      async (parameter, field, { right, wrong }, wanted) => {
        expect(idsOf(await search(flow, { q: "Ashford" })).toSorted()).toEqual([lease, report, letter]);

        const found = await search(flow, { q: "Ashford", [parameter]: right });
        const none = await search(flow, { q: "Ashford", [parameter]: wrong });

        expect(idsOf(found)).toEqual([wanted()]);
        expect(none).toMatchObject({ data: [], no_good_match: true });
        expect(idsOf(await search(flow, { q: `Ashford ${field}:${right}` }))).toEqual([wanted()]);
        expect(idsOf(await search(flow, { q: `Ashford ${field}:${wrong}` }))).toEqual([]);
      },
    );

    it("finds what was added before a moment, and since it", async () => {
      const { created_at: moment } = await flow.document(report);

      const before = await search(flow, { q: "Ashford", created_before: moment });
      const since = await search(flow, { q: "Ashford", created_after: moment });
      const longAgo = await search(flow, { q: "Ashford before:2020-01-01" });

      expect(idsOf(before)).toEqual([lease]);
      expect(idsOf(since).toSorted()).toEqual([report, letter]);
      expect(longAgo).toMatchObject({ data: [], no_good_match: true });
    });

    it("looks only in a collection, by its name in any case and by its id", async () => {
      const made = await flow.send("POST", "/api/collections", { json: { name: "Old mills" } });
      const { id } = collectionSchema.parse(made.body);
      await flow.send("POST", "/api/collections", { json: { name: "Empty shelf" } });
      const change = { action: "add_to_collection", collection: id };
      await flow.send("POST", "/api/documents/bulk", { json: { filter: { ids: [lease] }, change } });

      for (const collection of ["old MILLS", id]) {
        expect(idsOf(await search(flow, { q: "Ashford", collection }))).toEqual([lease]);
        expect(idsOf(await search(flow, { q: `Ashford collection:"${collection}"` }))).toEqual([lease]);
      }
      expect(idsOf(await search(flow, { q: "Ashford", collection: "Empty shelf" }))).toEqual([]);
      expect(idsOf(await search(flow, { q: 'Ashford collection:"empty shelf"' }))).toEqual([]);
    });

    it("requires a phrase and leaves out what follows a minus", async () => {
      expect(idsOf(await search(flow, { q: '"rent income"' }))).toEqual([report]);
      expect(idsOf(await search(flow, { q: "rent -tenant" }))).toEqual([report]);
    });

    it("goes on behind the last hit of a page", async () => {
      const first = await search(flow, { q: "rent", limit: "1" });
      const second = await search(flow, { q: "rent", limit: "1", cursor: first.next_cursor ?? "" });

      expect(first.has_more).toBe(true);
      expect(second.has_more).toBe(false);
      expect([...idsOf(first), ...idsOf(second)].toSorted()).toEqual([lease, report].toSorted());
    });

    it.each([
      ["q=type:pdf", "query_without_words"],
      ["q=rent+type:parchment", "invalid_filter"],
      ["q=rent+after:yesterday", "invalid_filter"],
      ["q=rent&cursor=zzz", "invalid_cursor"],
      ["q=rent&colour=red", "invalid_request"],
      ["q=rent&sentiment=glad", "invalid_request"],
    ])("refuses %s with %s", async (query, code) => {
      const reply = await flow.send("GET", `/api/search?${query}`);

      expect(reply.status).toBe(422);
      expect(codeOf(reply)).toBe(code);
    });
  });
}

/** The same with vectors of a model, which only workers call. */
export function modelSearchSuite(ground: Ground): void {
  describe(`search with an embedding model, ${ground}`, () => {
    let flow: Flow;
    let models: FakeModelServer;
    let isAway = false;

    beforeAll(async () => {
      models = await startFakeModelServer({
        port: 0,
        script: () => (isAway ? { kind: "server_error", status: 503 } : undefined),
      });
      flow = await Flow.start(ground, { EMBEDDING_URL: models.url, EMBEDDING_MODEL: "fake-embedding" });
      await post(flow, "The tenant pays the rent on the first day.", "Lease");
    });
    afterAll(async () => {
      await flow.stop();
      await models.stop();
    });

    it("has a query embedded once, however often it is asked", async () => {
      const before = models.calls.length;

      const first = await search(flow, { q: "rent of the tenant", explain: "true" });
      await search(flow, { q: "rent of the tenant" });

      expect(first).toMatchObject({
        mode: "hybrid",
        vectors: { model: "openai-compatible:fake-embedding", reason: null },
      });
      expect(first.data[0]?.explanation?.vectors).toMatchObject({ rank: 1, weight: 1 });
      expect(models.calls.length - before).toBe(1);
    });

    it("answers by full text alone while the model is away, and says why", async () => {
      isAway = true;
      try {
        const result = await search(flow, { q: "tenant of the mill" });

        expect(result.data).toHaveLength(1);
        expect(result.mode).toBe("full_text");
        expect(result.vectors.method).toBe("none");
        expect(result.vectors.reason).not.toBeNull();
      } finally {
        isAway = false;
      }
    });
  });
}
