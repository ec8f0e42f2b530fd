/** The share of the whole that a person sees while text is recognised: the end of the extraction's. */
const firstPercent = 35;
const lastPercent = 50;

/** How far the recognition of a document is, as its own progress. */
export function recognitionProgress(done: number, total: number) {
  return {
    percent: firstPercent + (done / total) * (lastPercent - firstPercent),
    stage: "text_extraction",
    message: `Recognised the text of ${done} of ${total} pages`,
    ...{ done, total, unit: "pages" },
  };
}
