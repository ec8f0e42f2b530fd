export { chunkText } from "./chunking/chunk-text.ts";
export type { Chunk, PageRange } from "./chunking/chunk-text.ts";
export { findBrokenSince, markIfBroken } from "./indexing/broken-index.ts";
export { chunksWithoutEmbedding, storeEmbeddings } from "./indexing/embeddings.ts";
export { addChunks, beginSource, hideSource, removeSource, showSource } from "./indexing/index-source.ts";
export type { Source } from "./indexing/index-source.ts";
export { keepVectorIndexes } from "./indexing/vector-index.ts";
export { findPlaces } from "./querying/find-places.ts";
export type { FindPages } from "./querying/find-places.ts";
export { parseQuery } from "./querying/parse-query.ts";
export type { ParsedQuery } from "./querying/parse-query.ts";
export { readPassageTexts } from "./querying/read-texts.ts";
export type { PassageText } from "./querying/read-texts.ts";
export { searchPassages } from "./querying/search-passages.ts";
export type { PassageHit, QueryVector, SearchPage, SearchRequest } from "./querying/search-passages.ts";
export { findSimilarSources } from "./querying/find-similar-sources.ts";
export { explainScore } from "./querying/explain-score.ts";
export { scoreRetrieval } from "./evaluation/retrieval-scores.ts";
export type { JudgedQuestion, RetrievalScores } from "./evaluation/retrieval-scores.ts";
export { announceSpace } from "./spaces/announce-space.ts";
export { dropRetiredSpaces } from "./spaces/drop-spaces.ts";
export { findSpaceById, listSpaces } from "./spaces/embedding-space.ts";
export type { EmbeddingModel, EmbeddingSpace } from "./spaces/embedding-space.ts";
export {
  beginRun,
  finishFilling,
  nextToEmbed,
  recordFillError,
  spacesToFill,
  storeBatch,
} from "./spaces/fill-space.ts";
export type { NextPassages } from "./spaces/fill-space.ts";
export { pauseSpace } from "./spaces/pause-space.ts";
export { lookForMissing } from "./spaces/walk-passages.ts";
