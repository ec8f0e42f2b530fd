import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { testDatabases } from "@millrace/testing";
import type { TestDatabase } from "@millrace/testing";
import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { addChunks, beginSource, chunkText, parseQuery, searchPassages } from "../src/index.ts";
import type { FindPages, PageRange } from "../src/index.ts";

/** A paragraph that nothing looks for, long enough that a few make a passage. */
const filler = "Grain came by boat along the canal. ".repeat(15).trim();

describe.each(testDatabases())("the place of a hit, on $name", (kind) => {
  let opened: TestDatabase;
  let database: Database;
  let workspaceId: string;
  let asked: Parameters<FindPages>[1][];

  beforeAll(async () => {
    opened = await kind.open();
    database = opened.database;
  });
  beforeEach(async () => {
    asked = [];
    workspaceId = newId();
    await sql`INSERT INTO workspace (id, name) VALUES (${workspaceId}, ${workspaceId})`.execute(
      database.queryable,
    );
  });
  afterAll(() => opened.close());

  async function index(text: string, pages: readonly PageRange[] = [], language: string | null = "en") {
    const chunks = await chunkText(text, pages);
    const source = { id: newId(), workspaceId, language, chunkCount: chunks.length };
    await database.transaction(async (transaction) => {
      await beginSource(transaction, source);
      await addChunks(transaction, source, chunks);
    });
    return chunks;
  }

  async function find(query: string, pages: readonly PageRange[] = []) {
    const findPages: FindPages = async (_workspace, places) => {
      asked.push(places);
      return places.map(({ offset }) => pages.find(({ charEnd }) => offset < charEnd)?.page ?? null);
    };
    const request = { workspaceId, query: parseQuery(query), vector: undefined, limit: 10, asked: query };
    return (await searchPassages(database, { ...request, findPages })).hits;
  }

  it("is the page on which its first match stands, of a passage that goes over pages", async () => {
    const first = `The mill was built by Pieter. ${filler}`;
    const text = `${first}\n\nThe dog barks at night. The mill sleeps.`;
    const pages = [
      { page: 1, charStart: 0, charEnd: first.length },
      { page: 2, charStart: first.length + 2, charEnd: text.length },
    ];
    const chunks = await index(text, pages);

    const [dog] = await find("dog", pages);
    const [mill] = await find("mill", pages);

    expect(chunks).toHaveLength(1);
    expect([dog?.page, mill?.page]).toEqual([2, 1]);
    expect(dog).toMatchObject({ charStart: 0, charEnd: text.length });
    expect(asked).toHaveLength(2);
  });

  it("is the section in which its first match stands, of a passage with headings", async () => {
    await index(
      "# The water mill\n\nIt grinds rye.\n\n## The dog\n\nIt barks.\n\n# The harbour\n\nIt has cranes.",
    );

    const sections = [];
    for (const word of ["rye", "dog", "barks", "cranes"]) sections.push((await find(word))[0]?.section);

    expect(sections).toEqual([
      "The water mill",
      "The water mill › The dog",
      "The water mill › The dog",
      "The harbour",
    ]);
    // A text without pages is not looked up for them.
    expect(asked).toEqual([]);
  });

  it.each([
    { first: "## Mills", second: "### Wind", last: "## Harbours", section: "Harbours" },
    { first: "# Mills", second: "## Wind", last: "## Water", section: "Mills › Water" },
    { first: "# Mills", second: "### Wind", last: "## Water", section: "Mills › Water" },
    { first: "# Mills", second: "## Wind", last: "### Sails", section: "Mills › Wind › Sails" },
  ])(
    "is known by the levels of headings in passages before: $second, then $last",
    async ({ first, second, last, section }) => {
      const far = Array.from({ length: 7 }, () => filler).join("\n\n");
      const chunks = await index(
        `Before.\n\n${first}\n\n${far}\n\n${second}\n\n${far}\n\n${last}\n\nThe zebra grazes.`,
      );
      const passage = chunks.at(-1);

      const [hit] = await find("zebra");

      expect(chunks.length).toBeGreaterThan(4);
      expect(passage?.text.indexOf(last)).toBeGreaterThan(0);
      expect(hit).toMatchObject({ ordinal: passage?.ordinal, section });
    },
  );

  it("takes no comment of code for a heading that begins in a passage before", async () => {
    const far = ["a = 1 ".repeat(120), "b = 2 ".repeat(120), "c = 3 ".repeat(120)].join("\n\n");
    const chunks = await index(
      `# Install\n\n${filler}\n\n\`\`\`sh\n${far}\n\n# remove the zebra\nrm zebra\n\`\`\`\n\nAt last an okapi.`,
    );

    const [zebra] = await find("zebra");
    const [okapi] = await find("okapi");

    expect(chunks.length).toBeGreaterThan(1);
    expect([zebra?.section, okapi?.section]).toEqual(["Install", "Install"]);
  });

  it("is that of the passage's beginning where headings leave out levels for longer than it reads back", async () => {
    const part = (nth: number) =>
      `### Part ${nth}\n\n${filler} ${filler}\n\n### Of ${nth}\n\nThe word is w${nth}.`;
    const chunks = await index(Array.from({ length: 90 }, (_none, nth) => part(nth)).join("\n\n"));
    const sectionOf = (word: string) => chunks.find(({ text }) => text.includes(`${word}.`))?.section;
    const [near] = await find("w20");
    const [far] = await find("w80");

    expect(chunks.length).toBeGreaterThan(80);
    expect(near?.section).toBe("Of 20");
    expect(far?.section).toBe(sectionOf("w80"));
  });

  it("is found in scripts without spaces, and where tags stand in the text", async () => {
    await index("# 北京\n\n大学很大。\n\n# 上海\n\n图书馆很大。", [], null);
    await index("# Birds\n\nA <b>red</b> robin.\n\n# Fish\n\nA <b>red</b> herring <i>swims</i> here.");

    expect((await find("图书馆"))[0]?.section).toBe("上海");
    expect((await find("herring"))[0]?.section).toBe("Fish");
  });

  it("is that of the passage's beginning where nobody says how pages are found", async () => {
    await index("# The mill\n\nIt grinds.\n\n# The dog\n\nIt barks.");
    const request = { workspaceId, query: parseQuery("barks"), vector: undefined, limit: 10, asked: "" };

    const { hits } = await searchPassages(database, request);

    expect(hits[0]?.section).toBe("The mill");
  });
});
