/** What can be expected of the vectors of a model. */
export type EmbeddingQuality = {
  /** Against 1 for full text. */
  readonly weight: number;
  /** Vectors less near than this say nothing, and are left out. */
  readonly leastSimilarity: number;
  /** From here on a passage without any of the words counts as a good match. */
  readonly goodSimilarity: number;
};

/**
 * Vectors of words and groups of letters: near duplicates are near, meaning is not in them. They reorder
 * what full text found a little, and find by themselves only what is nearly the same text. With a weight of 0.1 or
 * more, hybrid search finds the right passage of the evaluation set less often than full text alone.
 */
const builtIn: EmbeddingQuality = { weight: 0.05, leastSimilarity: 0.35, goodSimilarity: 0.6 };

/**
 * Models that were trained for it count like full text. How near "near" is differs between them, so nothing is
 * left out, and what is good is an untuned guess: too low tells less often that nothing fits.
 */
const trained: EmbeddingQuality = { weight: 1, leastSimilarity: -1, goodSimilarity: 0.4 };

export function embeddingQuality(model: { readonly isBuiltIn: boolean }): EmbeddingQuality {
  return model.isBuiltIn ? builtIn : trained;
}
