import { createHash } from "node:crypto";
import { migrate } from "@millrace/database";
import type { Database } from "@millrace/database";
import { newId } from "@millrace/kernel";
import { addChunks, beginSource, storeEmbeddings } from "@millrace/search";
import type { Chunk, Source } from "@millrace/search";
import { sql } from "kysely";

/** About as many subjects as a hundred thousand passages have. */
const clusters = 500;
/** How far the passages of a subject lie from its middle. */
const spread = 0.6;
const vocabulary = 5_000;
const wordsPerPassage = 120;
const passagesPerDocument = 100;

/** Passages with words of Zipf's kind and vectors in clusters, of many owners, stored as the product stores them. */
export class SearchCorpus {
  static readonly model = "bench:clusters";
  static readonly dimensions = 384;
  readonly database: Database;
  readonly #random = generator(7);
  readonly #centres: readonly (readonly number[])[];
  #others: readonly string[] = [];

  private constructor(database: Database) {
    this.database = database;
    this.#centres = Array.from({ length: clusters }, () => this.#direction());
  }

  /** On an empty database. */
  static async create(database: Database): Promise<SearchCorpus> {
    await migrate(database);
    return new SearchCorpus(database);
  }

  /** Stores so many passages: these shares for one owner each, the rest evenly for the others. Gives the former. */
  async store(wanted: {
    readonly count: number;
    readonly owners: number;
    readonly shares: readonly number[];
  }): Promise<string[]> {
    const { count, owners, shares } = wanted;
    const large: string[] = [];
    for (const share of shares) {
      const owner = await this.#owner();
      await this.#store(owner, Math.max(1, Math.round(count * share)));
      large.push(owner);
    }
    const rest = count * (1 - shares.reduce((sum, share) => sum + share, 0));
    const each = Math.max(1, Math.round(rest / (owners - shares.length)));
    const others: string[] = [];
    for (let stored = 0; stored < rest; stored += each) {
      const owner = await this.#owner();
      await this.#store(owner, each);
      others.push(owner);
    }
    this.#others = others;
    return large;
  }

  /** Stores documents of other owners, one after the other, until the signal; gives how many passages. */
  async indexUntil(signal: AbortSignal): Promise<number> {
    let stored = 0;
    while (!signal.aborted) {
      const owner = this.#others[Math.floor(this.#random() * this.#others.length)] ?? "";
      await this.#store(owner, 25);
      stored += 25;
    }
    return stored;
  }

  /** A vector near some subject. */
  vector(): number[] {
    const centre = this.#centres[Math.floor(this.#random() * clusters)] ?? [];
    const noise = this.#direction();
    return normalised(centre.map((value, at) => value + spread * (noise[at] ?? 0)));
  }

  /** Three words of a query: one that is in about 3 to 25 % of the passages, and two as they come in the vocabulary. */
  words(): string {
    const frequent = Math.floor(50 * 10 ** this.#random());
    const rare = () => Math.floor(this.#random() * vocabulary);
    return `word${frequent} word${rare()} word${rare()}`;
  }

  /** The nearest of an owner by comparing all of them: ids of passages. */
  async exact(owner: string, vector: readonly number[], limit: number): Promise<string[]> {
    const found = await sql<{ id: string }>`
      SELECT chunk_id AS id FROM chunk_embedding WHERE workspace_id = ${owner}
      ORDER BY embedding <=> ${`[${vector.join(",")}]`}::vector LIMIT ${limit}`.execute(
      this.database.queryable,
    );
    return found.rows.map(({ id }) => id);
  }

  /** The nearest of all owners by the approximate index with its own settings. */
  async nearestOfAll(vector: readonly number[], limit: number): Promise<void> {
    const space = await sql<{ id: string }>`SELECT id FROM embedding_space`.execute(this.database.queryable);
    const type = sql.raw(`vector(${SearchCorpus.dimensions})`);
    await sql`
      SELECT chunk_id FROM chunk_embedding WHERE space_id = ${sql.lit(space.rows[0]?.id ?? "")}
      ORDER BY embedding::${type} <=> ${`[${vector.join(",")}]`}::${type} LIMIT ${limit}`.execute(
      this.database.queryable,
    );
  }

  async #owner(): Promise<string> {
    const id = newId();
    await sql`INSERT INTO workspace (id, name) VALUES (${id}, ${id})`.execute(this.database.queryable);
    return id;
  }

  async #store(workspaceId: string, count: number): Promise<void> {
    for (let stored = 0; stored < count; stored += passagesPerDocument) {
      const size = Math.min(passagesPerDocument, count - stored);
      const source: Source = { id: newId(), workspaceId, language: "en", chunkCount: size };
      const chunks = Array.from({ length: size }, (_value, ordinal) => this.#chunk(ordinal));
      await this.database.transaction(async (transaction) => {
        await beginSource(transaction, source);
        await addChunks(transaction, source, chunks);
        const ids = await sql<{ id: string }>`SELECT id FROM chunk WHERE source_id = ${source.id}`.execute(
          transaction,
        );
        const vectors = ids.rows.map(({ id }) => ({ chunkId: id, vector: this.vector() }));
        const { model, dimensions } = SearchCorpus;
        await storeEmbeddings(transaction, { model, dimensions }, vectors);
      });
    }
  }

  #chunk(ordinal: number): Chunk {
    const text = Array.from({ length: wordsPerPassage }, () => this.#word()).join(" ");
    return {
      ...{ ordinal, charStart: 0, charEnd: text.length, page: null, section: null, text },
      tokenCount: Math.ceil(text.length / 4),
      contentHash: createHash("sha256").update(text).digest("hex"),
    };
  }

  /** Few words are very frequent and most are rare, as in texts. */
  #word(): string {
    return `word${Math.floor(vocabulary ** this.#random()) - 1}`;
  }

  #direction(): number[] {
    return normalised(Array.from({ length: SearchCorpus.dimensions }, () => this.#normal()));
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
  }
}

function normalised(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
