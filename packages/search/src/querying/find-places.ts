import type { Queryable } from "@millrace/database";
import { sql } from "kysely";
import { HeadingTrail, sectionSeparator } from "../chunking/heading-trail.ts";
import type { PassageText } from "./read-texts.ts";

/**
 * The pages of a workspace's sources at offsets of their texts, in the order asked for; null where there is none.
 * Search does not know pages beyond those on which passages begin: whoever owns the sources does.
 */
export type FindPages = (
  workspaceId: string,
  places: readonly { readonly sourceId: string; readonly offset: number }[],
) => Promise<readonly (number | null)[]>;

/** A passage, and an offset in its own text. */
export type PlaceInPassage = PassageText & { readonly at: number };

export type Place = { readonly page: number | null; readonly section: string | null };

/**
 * Page and section at places within passages, in their order; those of the passage where nothing more is known, as
 * when it is gone meanwhile. Reads pages only of passages that have one, and earlier passages only where a heading
 * stands between a passage's beginning and the place.
 */
export async function findPlaces(
  queryable: Queryable,
  { workspaceId, findPages }: { readonly workspaceId: string; readonly findPages: FindPages },
  places: readonly PlaceInPassage[],
): Promise<Place[]> {
  const paged = places.filter(({ page }) => page !== null);
  const found =
    paged.length === 0
      ? []
      : await findPages(
          workspaceId,
          paged.map(({ sourceId, charStart, at }) => ({ sourceId, offset: charStart + at })),
        );
  const pages = new Map(paged.map((place, index) => [place, found[index]]));
  const trails = await readTrails(queryable, places.filter(isBelowHeading));
  return places.map((place) => ({
    page: pages.get(place) ?? place.page,
    section: sectionAt(place, trails.get(place.chunkId)),
  }));
}

function isBelowHeading({ text, at }: PlaceInPassage): boolean {
  return /^#{1,6}\s/m.test(text.slice(0, at));
}

function sectionAt({ section, text, at }: PlaceInPassage, trail: Trail | undefined): string | null {
  if (trail === undefined) return section;
  const headings = new HeadingTrail(trail.section);
  headings.enter(trail.headings);
  return headings.enterTo(text, at);
}

/** A section whose levels are known, and the lines with headings and borders of code from there to a passage. */
type Trail = { readonly section: string | null; readonly headings: string };

/**
 * A section names headings and not their levels, which say what a further heading ends. They are known where a heading
 * of level N is the Nth of a section, and where nothing stands before. Reads back to the nearest such heading, by the
 * unique index of source and ordinal: a few passages in most texts. Where there is none among the last ${'{'}mostBefore{'}'}, as
 * in a text whose headings leave out levels throughout, that is not known. In a passage with borders of code a heading may be a comment: it is passed over. `OFFSET 0` keeps the
 * walk a walk: as a plain join all passages would be joined and sorted first.
 */
async function readTrails(
  queryable: Queryable,
  passages: readonly PassageText[],
): Promise<Map<string, Trail>> {
  if (passages.length === 0) return new Map();
  const found = await sql<Trail & { readonly id: string }>`
    SELECT passage.id, known.section, coalesce(earlier.headings, '') AS headings
    FROM chunk AS passage
    LEFT JOIN LATERAL (
      SELECT before.ordinal, next.section
      FROM chunk AS before, LATERAL (
        SELECT section FROM chunk
        WHERE source_id = passage.source_id AND ordinal = before.ordinal + 1 OFFSET 0) AS next
      WHERE before.source_id = passage.source_id AND before.ordinal < passage.ordinal
        AND before.ordinal >= passage.ordinal - ${mostBefore} AND before.text LIKE '%#%' AND before.text !~ ${codeBorder}
        AND EXISTS (
          SELECT FROM string_to_table(before.text, E'\\n') AS line
          WHERE line ~ '^#{1,6} ' AND btrim(line, '# ')
            = split_part(next.section, ${sectionSeparator}, length(substring(line FROM '^#+'))))
      ORDER BY before.ordinal DESC LIMIT 1) AS known ON true
    CROSS JOIN LATERAL (
      SELECT string_agg(line, E'\\n' ORDER BY ordinal, place) AS headings
      FROM chunk, string_to_table(text, E'\\n') WITH ORDINALITY AS lines (line, place)
      WHERE source_id = passage.source_id
        AND ordinal >= coalesce(known.ordinal, passage.ordinal - ${mostBefore}) AND ordinal < passage.ordinal
        AND (line LIKE '#%' OR line ~ ${codeBorder})) AS earlier
    WHERE passage.id = ANY(${passages.map(({ chunkId }) => chunkId)}::uuid[])
      AND (known.ordinal IS NOT NULL OR passage.ordinal <= ${mostBefore})`.execute(queryable);
  return new Map(found.rows.map((row) => [row.id, row]));
}

/** Passages that are read for one hit at most: a search of a book must not read the book. */
const mostBefore = 50;

const codeBorder = "```|~~~";
