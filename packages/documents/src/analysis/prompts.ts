import type { PartName } from "@millrace/contracts";

const tasks: Readonly<Record<PartName, string>> = {
  summary:
    "Summarise the text in three to five sentences: what it is about, what it says, what follows from it. Keep names and figures right. Do not begin with phrases like “The text”.",
  key_points:
    "List the three to seven most important points of the text. Each is one full sentence that can be understood alone and says something the others do not.",
  sentiment:
    "Judge the mood of the text: `label` is positive, negative, neutral or mixed (clearly both), `score` goes from -1 (negative) to 1 (positive), `evidence` holds one to three sentences quoted word for word from the text that decided. Judge what the author expresses, not whether the subject is pleasant.",
  topics:
    "Name the three to eight topics the text is about, the most important first, each as a short noun phrase of one to four words. No duplicates, no sentences.",
};

const mergers: Readonly<Record<PartName, string>> = {
  summary:
    "The text consists of summaries of the consecutive parts of one document. Write one summary of the whole document in three to five sentences. Do not mention that there were parts.",
  key_points:
    "The text lists key points of the consecutive parts of one document. Choose and merge them into the three to seven most important points of the whole document, each one full sentence, without repetition.",
  topics:
    "The text lists topics of the consecutive parts of one document. Merge them into the three to eight topics of the whole document, the most important first, each as a short noun phrase, without near duplicates.",
  sentiment:
    "The text quotes sentences of the consecutive parts of one document. Judge the mood they express together, as `label`, `score` and `evidence`.",
};

type Subject = { readonly title: string | null; readonly language: string | null };

/** Asks for a part of the analysis of a text, or of one stretch of a long one. */
export function analysisInstructions(
  part: PartName,
  subject: Subject,
  stretch?: { index: number; count: number },
): string {
  const place =
    stretch === undefined
      ? ""
      : ` You see part ${stretch.index + 1} of ${stretch.count} of a longer document; work on this part only.`;
  return `You analyse documents. ${tasks[part]}${place} ${languageRule(part, subject)}`;
}

/** Asks for one result out of the results of several stretches. */
export function mergeInstructions(part: PartName, subject: Subject): string {
  return `You analyse documents. ${mergers[part]} ${languageRule(part, subject)}`;
}

function languageRule(part: PartName, subject: Subject): string {
  if (part === "sentiment")
    return "Quote the evidence in the language of the text. Use only what the text says.";
  const name =
    subject.language === null
      ? undefined
      : new Intl.DisplayNames(["en"], { type: "language" }).of(subject.language);
  return `Write in ${name ?? "the language of the text"}. Use only what the text says.`;
}
