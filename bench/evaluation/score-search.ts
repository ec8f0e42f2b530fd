import { readFile } from "node:fs/promises";
import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import type { Models } from "@millrace/models";
import {
  addChunks,
  beginSource,
  chunkText,
  parseQuery,
  scoreRetrieval,
  searchPassages,
  storeEmbeddings,
} from "@millrace/search";
import type { JudgedQuestion, QueryVector } from "@millrace/search";
import { sql } from "kysely";
import type { EvaluationCase } from "./case.ts";

/** Passages small enough that finding the right one of a text says something. */
const charactersPerPassage = 400;

export const searchSides = ["full text", "vectors", "hybrid"] as const;
export type SearchSide = (typeof searchSides)[number];

/** From 0 to 1; higher is better in all of them. */
export type SearchScores = Readonly<
  Record<"recall@1" | "recall@3" | "recall@10" | "MRR" | "nDCG@10", number>
>;

type Indexed = { readonly id: string; readonly text: string; readonly file: string };

/**
 * Stores the texts of all cases as one owner's documents, in an empty database, with the built-in vectors, and asks
 * every question that has an answer: relevant are the passages of its text in which the answer stands.
 */
export async function scoreSearch(
  database: Database,
  models: Models,
  cases: readonly EvaluationCase[],
): Promise<{ readonly questions: number; readonly scores: Readonly<Record<SearchSide, SearchScores>> }> {
  const workspaceId = newId();
  await sql`INSERT INTO workspace (id, name) VALUES (${workspaceId}, ${workspaceId})`.execute(
    database.queryable,
  );
  const passages: Indexed[] = [];
  for (const one of cases) passages.push(...(await index({ database, models }, one, workspaceId)));
  const judged: Record<SearchSide, JudgedQuestion[]> = { "full text": [], vectors: [], hybrid: [] };
  for (const { file, questions } of cases) {
    for (const { question, answer } of questions) {
      const relevant = new Set(
        passages.flatMap((passage) =>
          answer !== null && passage.file === file && answer.test(passage.text) ? [passage.id] : [],
        ),
      );
      if (relevant.size === 0) continue;
      const vector = await embedQuery(models, question);
      for (const side of searchSides) {
        const page = await searchPassages(database, {
          ...{ workspaceId, query: parseQuery(question), limit: 50, asked: "" },
          vector: side === "full text" ? undefined : vector,
          isByVectorAlone: side === "vectors",
        });
        judged[side].push({ found: page.hits.map(({ chunkId }) => chunkId), relevant });
      }
    }
  }
  return {
    questions: judged.hybrid.length,
    scores: {
      "full text": scoresOf(judged["full text"]),
      vectors: scoresOf(judged.vectors),
      hybrid: scoresOf(judged.hybrid),
    },
  };
}

/** The scores that are below what was recorded, each with both figures. */
export function loweredSearchScores(
  scores: Readonly<Record<SearchSide, SearchScores>>,
  recorded: Readonly<Record<SearchSide, SearchScores>>,
): string[] {
  return searchSides.flatMap((side) =>
    searchScoreNames
      // The recorded ones are rounded.
      .filter((name) => scores[side][name] < recorded[side][name] - 0.0005)
      .map((name) => `${side}, ${name}: ${scores[side][name]} instead of ${recorded[side][name]}`),
  );
}

export const searchScoreNames = ["recall@1", "recall@3", "recall@10", "MRR", "nDCG@10"] as const;

function scoresOf(judged: readonly JudgedQuestion[]): SearchScores {
  const { recallAt, reciprocalRank, ndcgAt10 } = scoreRetrieval(judged);
  return {
    "recall@1": recallAt[1] ?? 0,
    "recall@3": recallAt[3] ?? 0,
    "recall@10": recallAt[10] ?? 0,
    MRR: reciprocalRank,
    "nDCG@10": ndcgAt10,
  };
}

async function index(
  { database, models }: { readonly database: Database; readonly models: Models },
  { file, language }: EvaluationCase,
  workspaceId: string,
): Promise<Indexed[]> {
  const text = await readFile(new URL(file, import.meta.url), "utf8");
  const chunks = (await chunkText(text, [])).flatMap((chunk) =>
    piecesOf(chunk.text).map((piece) => ({ ...chunk, text: piece })),
  );
  const numbered = chunks.map((chunk, ordinal) => ({ ...chunk, ordinal }));
  const source = { id: newId(), workspaceId, language, chunkCount: numbered.length };
  await database.transaction(async (transaction) => {
    await beginSource(transaction, source);
    await addChunks(transaction, source, numbered);
  });
  const stored = await sql<{ id: string; text: string }>`
    SELECT id, text FROM chunk WHERE source_id = ${source.id} ORDER BY ordinal`.execute(database.queryable);
  const texts = stored.rows.map((row) => row.text);
  const { vectors, model, dimensions } = await models.embed({ texts });
  const fresh = stored.rows.map(({ id }, at) => ({ chunkId: id, vector: vectors[at] ?? [] }));
  await database.transaction((transaction) => storeEmbeddings(transaction, { model, dimensions }, fresh));
  return stored.rows.map((row) => ({ ...row, file }));
}

/** At the ends of paragraphs, or where a paragraph is long, at its lines. */
function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (const line of text.split("\n").filter((each) => each.trim() !== "")) {
    const last = pieces.at(-1);
    if (last === undefined || last.length + line.length > charactersPerPassage) pieces.push(line);
    else pieces[pieces.length - 1] = `${last}\n${line}`;
  }
  return pieces;
}

async function embedQuery(models: Models, question: string): Promise<QueryVector> {
  const { vectors, model } = await models.embed({ texts: [question] });
  return { model, isBuiltIn: true, vector: vectors[0] ?? [] };
}
