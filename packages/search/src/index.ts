export { chunkText } from "./chunking/chunk-text.ts";
export type { Chunk, PageRange } from "./chunking/chunk-text.ts";
export { chunksWithoutEmbedding, storeEmbeddings } from "./indexing/embeddings.ts";
export { addChunks, beginSource, removeSource } from "./indexing/index-source.ts";
export type { Source } from "./indexing/index-source.ts";
export { searchText } from "./querying/search-text.ts";
export type { TextHit } from "./querying/search-text.ts";
