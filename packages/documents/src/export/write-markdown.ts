import { partNames } from "@millrace/contracts";
import type { Analysis, Document, PartName } from "@millrace/contracts";
import type { Exported } from "./read-exported.ts";

const labels: Readonly<Record<PartName, string>> = {
  summary: "Summary",
  key_points: "Key points",
  sentiment: "Sentiment",
  topics: "Topics",
};

/** Each document as `toMarkdown` has it, with a rule between two. */
export async function* writeMarkdown(documents: AsyncIterable<Exported>): AsyncGenerator<string> {
  let separator = "";
  for await (const exported of documents) {
    yield separator + toMarkdown(exported, await exported.readText());
    separator = "\n---\n\n";
  }
}

/** A document to read: title, how it stands, the parts of its analysis, or why one is not there, and its text. */
export function toMarkdown({ document, analysis }: Exported, text: string | null): string {
  const parts = partNames.map((part) => `## ${labels[part]}\n\n${section(part, analysis)}`);
  const blocks = [
    `# ${escaped(document.title)}`,
    facts(document),
    ...sortedInto(document),
    ...failure(document),
    ...parts,
    ...(text === null ? [] : [`## Text\n\n${text.trimEnd()}`]),
  ];
  return `${blocks.join("\n\n")}\n`;
}

function facts(document: Document): string {
  const { page_count: pages } = document;
  return [
    document.status,
    document.file_name === null ? undefined : escaped(document.file_name),
    document.file_type ?? undefined,
    pages === null ? undefined : `${pages} ${pages === 1 ? "page" : "pages"}`,
    document.language ?? undefined,
    `added ${document.created_at}`,
    `id ${document.id}`,
  ]
    .filter((fact) => fact !== undefined)
    .join(" · ");
}

/** Tags and collections, where there are some. */
function sortedInto({ tags, collections }: Document): string[] {
  const lines = [
    ["Tags", tags],
    ["Collections", collections.map(({ name }) => name)],
  ] as const;
  return lines.flatMap(([label, names]) =>
    names.length === 0 ? [] : [`${label}: ${names.map(escaped).join(", ")}`],
  );
}

function failure({ processing_error: reason, processing_error_code: code }: Document): string[] {
  return reason === null ? [] : [`> Failed: ${escaped(reason)} (${code ?? "unknown"})`];
}

function section(part: PartName, analysis: Analysis): string {
  const { state, reason, model, extractive } = analysis[part];
  const result = resultOf(part, analysis);
  if (result === undefined) {
    return `_${escaped(reason ?? (state === "failed" ? "Failed." : "Not there yet."))}_`;
  }
  const source = extractive ? "Built-in model, sentences taken from the text" : model;
  return source === null ? result : `${result}\n\n_${escaped(source)}_`;
}

function resultOf(part: PartName, analysis: Analysis): string | undefined {
  switch (part) {
    case "summary":
      return analysis.summary.result?.text;
    case "key_points":
      return analysis.key_points.result?.points.map((point) => `- ${oneLine(point)}`).join("\n");
    case "sentiment": {
      const { result } = analysis.sentiment;
      if (result === null) return undefined;
      const evidence = result.evidence.map((sentence) => `> ${oneLine(sentence)}`);
      return [`${result.label} (${result.score.toFixed(2)}, from -1 to 1)`, ...evidence].join("\n\n");
    }
    case "topics":
      return analysis.topics.result?.topics.map(oneLine).join(", ");
  }
}

/** What people and files are called must not turn into marks, links or HTML. */
function escaped(text: string): string {
  return oneLine(text).replaceAll(/[\\`*_[\]<>#]/g, (sign) => `\\${sign}`);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, " ").trim();
}
