const abbreviations =
  /(?:^|[\s("“])(?:(?:[A-Z]\.)+|Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr|Inc|Ltd|Co|Corp|vs|etc|e\.g|i\.e|cf|al|approx|dept|est|fig|Fig|no|No|nos|vol|pp?|ca|bzw|z\.\s?B|d\.\s?h|u\.\s?a|Nr|Abs|Art|Str|usw|sog|evtl|ggf|Sra?|Mme|Mlle|M|tzv|napr|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec|Gen|Gov|Sen|Rep|Lt|Col|Sgt|[A-Z])\.$/;

// Whether a sentence goes on shows in its last characters; one this long has no end anybody waits for.
const endLooked = 60;
const longestOpen = 4000;

/**
 * Cuts a paragraph into sentences, in any language, without changing a character inside them.
 * Abbreviations, initials, enumerators ("2.") and quoted speech do not end a sentence.
 */
export function splitSentences(paragraph: string, language: string | null): string[] {
  const segmenter = new Intl.Segmenter(language ?? "en", { granularity: "sentence" });
  const sentences: string[] = [];
  let open = "";
  for (const { segment } of segmenter.segment(paragraph)) {
    const isTooLong = open.length > longestOpen;
    if (open !== "" && (isTooLong || !staysOpen(open.slice(-endLooked).trimEnd(), segment, language))) {
      sentences.push(open.trim());
      open = "";
    }
    open += segment;
  }
  if (open.trim() !== "") sentences.push(open.trim());
  return sentences.map(dropEnumerator).filter((sentence) => sentence !== "");
}

/** Whether the segment goes on with the sentence before it. */
function staysOpen(before: string, segment: string, language: string | null): boolean {
  if (/^\p{Ll}/u.test(segment)) return true;
  if (/(?:^|\s)\(?\d{1,3}[.)]$/.test(before))
    return /^\d/.test(before) || language === "de" || before.length <= 4;
  return abbreviations.test(before);
}

function dropEnumerator(sentence: string): string {
  return sentence.replace(/^(?:§+\s*\d{1,4}[a-z]?[.)]?|\(?\d{1,3}[.)])\s+(?=\p{L})/u, "");
}
