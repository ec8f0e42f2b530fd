import type { Database } from "@millrace/database";
import { errorCode } from "@millrace/kernel";
import type { CallOrigin, Models, Usage } from "@millrace/models";
import { listSpaces, readPassageTexts, searchPassages } from "@millrace/search";
import type { ParsedQuery, PassageHit, PassageText, QueryVector } from "@millrace/search";
import type { RawBuilder } from "kysely";

/** A passage as it was found: what may be recorded, little of its text. */
export type FoundPassage = {
  readonly chunkId: string;
  readonly documentId: string;
  /** The part of it that is nearest to what was asked. */
  readonly excerpt: string;
};

/** A passage with its text, as a model reads it and as citations are checked. */
export type ReadPassage = Omit<PassageText, "sourceId"> &
  Pick<FoundPassage, "documentId" | "excerpt"> & { readonly title: string };

export type Retrieved = {
  /** Best first. */
  readonly passages: readonly FoundPassage[];
  /** Why vectors took no part: an error code; null when they did. */
  readonly withoutVectors: string | null;
  /** What the query's vector cost; undefined for the built-in vectors, and without one. */
  readonly embedding:
    | { readonly model: string; readonly usage: Usage; readonly cost: number | null }
    | undefined;
};

/**
 * The passages of a workspace that are nearest to a query, by words and by meaning. Calls the embedding model itself,
 * so only workers may use it; without its vector full text answers alone. Throws for the signal and for the database
 * only.
 */
export async function retrievePassages(
  parts: { readonly database: Database; readonly models: Pick<Models, "embed" | "embedding"> },
  request: {
    readonly workspaceId: string;
    readonly query: ParsedQuery;
    /** A query that gives the ids of the documents to look in. Default all of the workspace. */
    readonly sources?: RawBuilder<unknown> | undefined;
    readonly limit: number;
    readonly purpose: string;
    readonly origin: CallOrigin;
    readonly signal: AbortSignal;
  },
): Promise<Retrieved> {
  const { workspaceId, query, sources, limit } = request;
  const { vector, reason, embedding } = await embedQuery(parts, request);
  const page = await searchPassages(parts.database, {
    ...{ workspaceId, query, vector, sources, limit },
    // No further page is asked for.
    asked: query.words,
  });
  const withoutVectors = reason ?? (page.vectorMethod === "broken" ? "index_broken" : null);
  return { passages: page.hits.map(toFound), withoutVectors, embedding };
}

/** With the model of the space that answers, which need not be that of the settings. */
async function embedQuery(
  { database, models }: Parameters<typeof retrievePassages>[0],
  request: {
    readonly query: ParsedQuery;
    readonly purpose: string;
    readonly origin: CallOrigin;
    readonly signal: AbortSignal;
  },
): Promise<{
  readonly vector: QueryVector | undefined;
  readonly reason: string | null;
  readonly embedding: Retrieved["embedding"];
}> {
  const { query, purpose, origin, signal } = request;
  const active = (await listSpaces(database.queryable)).find(({ status }) => status === "active");
  const builtIn = active?.isBuiltIn ?? models.embedding.builtIn;
  try {
    const { vectors, model, usage, cost } = await models.embed({
      ...{ texts: [query.words], purpose, origin, signal },
      ...(active === undefined ? {} : { model: { name: active.model, revision: active.revision } }),
    });
    return {
      vector: { model, revision: active?.revision, isBuiltIn: builtIn, vector: vectors[0] ?? [] },
      reason: null,
      embedding: builtIn
        ? undefined
        : { model, usage: { inputTokens: usage.inputTokens, outputTokens: 0 }, cost },
    };
  } catch (error) {
    signal.throwIfAborted();
    return { vector: undefined, reason: errorCode(error), embedding: undefined };
  }
}

function toFound({ chunkId, sourceId, passage }: PassageHit): FoundPassage {
  return { chunkId, documentId: sourceId, excerpt: passage.map(({ text }) => text).join("") };
}

/** The found passages with their texts, in their order; those that are gone meanwhile are left out. */
export async function readPassages(
  parts: {
    readonly database: Pick<Database, "queryable">;
    /** Titles of documents by their ids, for those that the workspace has. */
    readonly findTitles: (
      workspaceId: string,
      ids: readonly string[],
    ) => Promise<ReadonlyMap<string, string>>;
  },
  workspaceId: string,
  found: readonly FoundPassage[],
): Promise<ReadPassage[]> {
  const ids = found.map(({ chunkId }) => chunkId);
  const texts = await readPassageTexts(parts.database.queryable, workspaceId, ids);
  const titles = await parts.findTitles(
    workspaceId,
    found.map(({ documentId }) => documentId),
  );
  return found.flatMap(({ chunkId, documentId, excerpt }) => {
    const text = texts.get(chunkId);
    const title = titles.get(documentId);
    return text === undefined || title === undefined ? [] : [{ ...text, documentId, title, excerpt }];
  });
}
