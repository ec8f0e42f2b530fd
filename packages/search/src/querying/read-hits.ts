import type { Highlight } from "@millrace/contracts";
import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { findPlaces } from "./find-places.ts";
import type { FindPages, Place } from "./find-places.ts";
import {
  findMarked,
  findWord,
  highlightWords,
  matchEnd,
  matchStart,
  parseHighlights,
  partDelimiter,
} from "./highlights.ts";
import type { LanguageQuery } from "./language-queries.ts";
import type { PassageText } from "./read-texts.ts";

/** A passage with the matches in it marked, and where it stands. */
export type Passage = Omit<PassageText, "text"> & {
  readonly ordinal: number;
  readonly passage: readonly Highlight[];
};

type Row = PassageText & { readonly ordinal: number; readonly marked: string | null };

type HitsRequest = {
  readonly workspaceId: string;
  readonly queries: readonly LanguageQuery[];
  readonly words: readonly string[];
  /** Undefined: page and section are those of the passage's beginning. */
  readonly findPages: FindPages | undefined;
};

/** These passages by their ids; those that are gone are left out. */
export async function readPassages(
  queryable: Queryable,
  ids: readonly string[],
  request: HitsRequest,
): Promise<Map<string, Passage>> {
  const { queries, words } = request;
  const found = await sql<Row>`
    WITH asked AS (
      SELECT * FROM unnest(${queries.map(({ configuration }) => configuration)}::text[],
                           ${queries.map(({ reading }) => reading)}::text[],
                           ${queries.map((query) => query.any_word)}::text[]) AS asked (configuration, reading, any_word))
    SELECT chunk.id AS "chunkId", source_id AS "sourceId", ordinal, char_start AS "charStart", char_end AS "charEnd",
           page, section, text, ts_headline(reading::regconfig, text, any_word::tsquery, ${headlineOptions}) AS marked
    FROM chunk JOIN search_source ON search_source.id = source_id
    LEFT JOIN asked ON asked.configuration = search_source.configuration
    WHERE chunk.id = ANY(${[...ids]}::uuid[])`.execute(queryable);
  const places = await placesOfMatches(queryable, found.rows, request);
  return new Map(
    found.rows.map((row) => [row.chunkId, { ...toPassage(row, words), ...places.get(row.chunkId) }]),
  );
}

/** Where the first match in each passage stands, for those that have one. */
async function placesOfMatches(
  queryable: Queryable,
  rows: readonly Row[],
  { workspaceId, words, findPages }: HitsRequest,
): Promise<Map<string, Place>> {
  if (findPages === undefined) return new Map();
  const matches = rows.flatMap((row) => {
    const at = findMarked(row.text, row.marked ?? "") ?? findWord(row.text, words);
    return at === undefined ? [] : [{ ...row, at }];
  });
  const places = await findPlaces(queryable, { workspaceId, findPages }, matches);
  return new Map(
    matches.flatMap(({ chunkId }, index) => {
      const place = places[index];
      return place === undefined ? [] : [[chunkId, place]];
    }),
  );
}

function toPassage({ text, marked: raw, ...passage }: Row, words: readonly string[]): Passage {
  const marked = raw === null ? null : withoutHeadingSigns(raw);
  return {
    ...passage,
    passage: marked?.includes(matchStart)
      ? parseHighlights(marked)
      : highlightWords(withoutHeadingSigns(text), words),
  };
}

/** Headings are known by their signs; a passage is read as plain text. */
function withoutHeadingSigns(text: string): string {
  return text.replace(/^#{1,6}[ \t]+/gm, "");
}

const headlineOptions = `StartSel=${matchStart}, StopSel=${matchEnd}, MaxFragments=2, MaxWords=36, MinWords=18, FragmentDelimiter="${partDelimiter}"`;
