import type { Highlight } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { highlightWords, matchEnd, matchStart, parseHighlights } from "./highlights.ts";
import type { LanguageQuery } from "./language-queries.ts";

/** A passage with the matches in it marked, and where it stands. */
export type Passage = {
  readonly sourceId: string;
  readonly chunkId: string;
  readonly ordinal: number;
  readonly charStart: number;
  readonly charEnd: number;
  readonly page: number | null;
  /** The headings above it; null where there is none. */
  readonly section: string | null;
  readonly passage: readonly Highlight[];
};

type Row = {
  id: string;
  source_id: string;
  ordinal: number;
  char_start: number;
  char_end: number;
  page: number | null;
  section: string | null;
  text: string;
  marked: string | null;
};

/** These passages by their ids; those that are gone are left out. */
export async function readPassages(
  queryable: Queryable,
  ids: readonly string[],
  queries: readonly LanguageQuery[],
  words: string,
): Promise<Map<string, Passage>> {
  const found = await sql<Row>`
    WITH asked AS (
      SELECT * FROM unnest(${queries.map(({ configuration }) => configuration)}::text[],
                           ${queries.map(({ reading }) => reading)}::text[],
                           ${queries.map((query) => query.any_word)}::text[]) AS asked (configuration, reading, any_word))
    SELECT chunk.id, source_id, ordinal, char_start, char_end, page, section, text,
           ts_headline(reading::regconfig, text, any_word::tsquery, ${headlineOptions}) AS marked
    FROM chunk JOIN search_source ON search_source.id = source_id
    LEFT JOIN asked ON asked.configuration = search_source.configuration
    WHERE chunk.id = ANY(${[...ids]}::uuid[])`.execute(queryable);
  const wanted = words.split(/\s+/);
  return new Map(found.rows.map((row) => [row.id, toPassage(row, wanted)]));
}

function toPassage(row: Row, words: readonly string[]): Passage {
  const marked = row.marked === null ? null : withoutHeadingSigns(row.marked);
  return {
    sourceId: row.source_id,
    chunkId: row.id,
    ordinal: row.ordinal,
    charStart: row.char_start,
    charEnd: row.char_end,
    page: row.page,
    section: row.section,
    passage: marked?.includes(matchStart)
      ? parseHighlights(marked)
      : highlightWords(withoutHeadingSigns(row.text), words),
  };
}

/** Headings are known by their signs; a passage is read as plain text. */
function withoutHeadingSigns(text: string): string {
  return text.replace(/^#{1,6}[ \t]+/gm, "");
}

const headlineOptions = `StartSel=${matchStart}, StopSel=${matchEnd}, MaxFragments=2, MaxWords=36, MinWords=18, FragmentDelimiter=" … "`;
