import { openPostgres } from "@millrace/database";
import type { Database } from "@millrace/database";
import { silentLogger } from "@millrace/kernel";
import { keepVectorIndexes, parseQuery, searchPassages } from "@millrace/search";
import { SearchCorpus } from "../material/search-corpus.ts";
import { FigureCollector } from "../measure/figure.ts";
import { percentile } from "../measure/statistics.ts";
import { serverConditions } from "../peers/conditions.ts";
import { settlePlace, withPlace } from "../peers/place.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const chunks = 100_000;
const owners = 1_000;
const shares = [
  { name: "0.01 %", share: 0.0001 },
  { name: "1 %", share: 0.01 },
  { name: "50 %", share: 0.5 },
] as const;
const requestsPerSecond = 20;
const requests = 600;
const judged = 50;
const wanted = 10;

/** Whether owners of any size find what is nearest, and how long a search takes while others index. */
export const search: Benchmark = {
  name: "search",
  description: `Hybrid search over ${chunks} passages with vectors of ${SearchCorpus.dimensions} numbers (in clusters, as of real texts) of ${owners} owners, of whom three own 0.01 %, 1 % and 50 %, on PostgreSQL. Recall of the first ${wanted} by vectors against comparing every vector, for ${judged} queries per owner; a query has three words, one of them in 3 to 25 % of the passages; ${requestsPerSecond} searches a second, started on time whatever the former do, over the three owners in turn while passages are being indexed; against the bare exact scan and the bare query of the approximate index, one after the other, by the largest owner.`,
  conditions: serverConditions,
  isLong: true,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`search: run ${run} of ${runs}`);
      await withPlace("millrace", async (url) => {
        const database = openPostgres({ url, poolSize: 10, logger: silentLogger });
        try {
          await measure({ database, url, figures, scale, say });
        } finally {
          await database.close();
        }
      });
    }
    return figures.figures();
  },
};

async function measure(parts: {
  readonly database: Database;
  readonly url: string;
  readonly figures: FigureCollector;
  readonly scale: number;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { database, url, figures, scale, say } = parts;
  const corpus = await SearchCorpus.create(database);
  const count = Math.ceil(chunks * scale);
  const storedMs = performance.now();
  const owned = await corpus.store({ count, owners, shares: shares.map(({ share }) => share) });
  figures.add(
    "indexed, one document after the other",
    "passages/s",
    (count * 1000) / (performance.now() - storedMs),
  );
  await settlePlace("millrace", url);
  say("search: building the index");
  const builtMs = await timeOf(() => keepVectorIndexes(database, new AbortController().signal));
  figures.add("approximate index built", "s", builtMs / 1000);
  await settlePlace("millrace", url);

  for (const [at, { name }] of shares.entries()) {
    const { recall, missing } = await judge(corpus, owned[at] ?? "");
    figures.add(`recall@${wanted}, owner of ${name}`, "", recall, { aim: 0.98, floor: 0.95 });
    figures.add(`hits missing, owner of ${name}`, "", missing, { aim: 0, floor: 0 });
  }
  await measureBare(figures, corpus, {
    owner: owned.at(-1) ?? "",
    times: Math.max(10, Math.ceil(judged * scale)),
  });
  say("search: under load");
  await measureUnderLoad(figures, corpus, { owned, count: Math.max(60, Math.ceil(requests * scale)) });
}

async function judge(
  corpus: SearchCorpus,
  owner: string,
): Promise<{ readonly recall: number; readonly missing: number }> {
  let found = 0;
  let expected = 0;
  let missing = 0;
  for (let at = 0; at < judged; at += 1) {
    const vector = corpus.vector();
    const exact = await corpus.exact(owner, vector, wanted);
    const page = await ask(corpus, owner, { vector, isByVectorAlone: true });
    const ids = new Set(page.hits.map((hit) => hit.chunkId));
    found += exact.filter((id) => ids.has(id)).length;
    expected += exact.length;
    missing += exact.length - page.hits.length;
  }
  return { recall: found / expected, missing };
}

async function measureBare(
  figures: FigureCollector,
  corpus: SearchCorpus,
  { owner, times }: { readonly owner: string; readonly times: number },
): Promise<void> {
  const of = async (query: (vector: readonly number[]) => Promise<unknown>): Promise<number> => {
    const taken: number[] = [];
    for (let at = 0; at < times; at += 1) taken.push(await timeOf(() => query(corpus.vector())));
    return percentile(taken, 0.5);
  };
  const exact = await of((vector) => corpus.exact(owner, vector, wanted));
  const index = await of((vector) => corpus.nearestOfAll(vector, wanted));
  const hybrid = await of((vector) => ask(corpus, owner, { vector }));
  figures.add("bare exact scan, p50", "ms", exact);
  figures.add("bare index query without owner, p50", "ms", index);
  figures.add("hybrid, p50", "ms", hybrid);
  figures.add("hybrid ÷ exact scan", "×", hybrid / exact);
  figures.add("hybrid ÷ index query", "×", hybrid / index);
}

async function measureUnderLoad(
  figures: FigureCollector,
  corpus: SearchCorpus,
  { owned, count }: { readonly owned: readonly string[]; readonly count: number },
): Promise<void> {
  const ended = new AbortController();
  const beganMs = performance.now();
  const indexing = corpus.indexUntil(ended.signal);
  const searches: Promise<number>[] = [];
  for (let at = 0; at < count; at += 1) {
    const dueMs = beganMs + (at * 1000) / requestsPerSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    const owner = owned[at % owned.length] ?? "";
    // From when it was due: a late start is waiting too.
    searches.push(ask(corpus, owner).then(() => performance.now() - dueMs));
  }
  const taken = await Promise.all(searches);
  ended.abort();
  const indexed = await indexing;
  figures.add("hybrid under load, p50", "ms", percentile(taken, 0.5));
  figures.add("hybrid under load, p95", "ms", percentile(taken, 0.95), { aim: 25, floor: 60 });
  figures.add("indexed meanwhile", "passages/s", (indexed * 1000) / (performance.now() - beganMs));
}

function ask(
  corpus: SearchCorpus,
  workspaceId: string,
  more: { readonly vector?: readonly number[]; readonly isByVectorAlone?: boolean } = {},
) {
  const { vector = corpus.vector(), ...rest } = more;
  return searchPassages(corpus.database, {
    ...{ workspaceId, query: parseQuery(corpus.words()), limit: wanted, asked: "", ...rest },
    vector: { model: SearchCorpus.model, isBuiltIn: false, vector },
  });
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
