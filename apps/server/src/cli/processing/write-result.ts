import type { Analysis, Document, FileType, PartName } from "@millrace/contracts";
import { printableLine, printableText } from "../terminal/printable.ts";
import { columnsOfStream, createStyles } from "../terminal/style.ts";
import type { OutputStream, Styles } from "../terminal/style.ts";
import { shortSize } from "../terminal/table.ts";
import { wrap } from "../terminal/width.ts";
import type { ProcessedDocument } from "./processor.ts";

/** Longer lines are hard to read, however wide the terminal. */
const maxColumns = 100;

const labels: Readonly<Record<PartName, string>> = {
  summary: "Summary",
  key_points: "Key points",
  sentiment: "Sentiment",
  topics: "Topics",
};
/** Of types that are not called by the usual ending of their files. */
const typeNames: Readonly<Partial<Record<FileType, string>>> = { markdown: "Markdown", text: "Text" };

/** What came out for one document, for people: plain text unless the stream is a terminal. */
export function writeResult(stream: OutputStream, { document, analysis }: ProcessedDocument): void {
  const styles = createStyles(stream);
  const columns = stream.isTTY ? Math.min(maxColumns, columnsOfStream(stream) - 1) : Number.POSITIVE_INFINITY;
  const commonModel = modelOfAll(analysis);
  const look = { styles, columns, isModelSaid: commonModel !== undefined };
  const blocks = [
    [...header(document, styles), ...(commonModel === undefined ? [] : [styles.dim(commonModel)])],
    ...partBlocks(analysis, look),
    warningBlock(document, look),
  ];
  const text = blocks.filter((block) => block.length > 0).map((block) => block.join("\n"));
  stream.write(`${text.join("\n\n")}\n`);
}

type Look = {
  readonly styles: Styles;
  readonly columns: number;
  /** Whether the model stands above all parts, and not with each. */
  readonly isModelSaid: boolean;
};

/** What made every part that is there; undefined when different models did, or none. */
function modelOfAll({ summary, key_points: keyPoints, sentiment, topics }: Analysis): string | undefined {
  const made = [summary, keyPoints, sentiment, topics].filter((part) => part.state === "done");
  const models = new Set(made.map(madeBy));
  return models.size === 1 ? [...models][0] : undefined;
}

function header(document: Document, styles: Styles): string[] {
  const { file_type: type, page_count: pages, language, text_length: length } = document;
  const facts = [
    type === null ? undefined : (typeNames[type] ?? type.toUpperCase()),
    pages === null ? undefined : `${pages} ${pages === 1 ? "page" : "pages"}`,
    language === null ? undefined : languageName(language),
    shortSize(document.file_size),
    length === null ? undefined : `${length.toLocaleString("en")} characters`,
  ];
  const lines = [
    styles.bold(printableLine(document.title)),
    facts.filter((fact) => fact !== undefined).join(" · "),
    `${document.status}, id ${document.id}`,
  ];
  if (document.processing_error !== null) {
    const reason = printableLine(document.processing_error);
    lines.push("", styles.bad(`Failed: ${reason} (${document.processing_error_code ?? "unknown"})`));
  }
  return lines;
}

function languageName(code: string): string {
  try {
    return new Intl.DisplayNames("en", { type: "language" }).of(code) ?? code;
  } catch {
    // Not a language code: what was stored is still better than nothing.
    return code;
  }
}

function partBlocks(analysis: Analysis, look: Look): string[][] {
  const { summary, key_points: keyPoints, sentiment, topics } = analysis;
  return [
    block("summary", summary, look, summary.result && paragraphs(summary.result.text, look)),
    block("key_points", keyPoints, look, keyPoints.result && bullets(keyPoints.result.points, look)),
    block("sentiment", sentiment, look, sentiment.result && sentimentLines(sentiment.result, look)),
    block("topics", topics, look, topics.result && paragraphs(topics.result.topics.join(", "), look)),
  ];
}

function block(
  name: PartName,
  part: Analysis[PartName],
  { styles, columns, isModelSaid }: Look,
  lines: readonly string[] | null,
): string[] {
  const title = styles.bold(labels[name]);
  if (part.state === "done" && lines !== null) {
    return [isModelSaid ? title : `${title}  ${styles.dim(madeBy(part))}`, ...lines];
  }
  const reason = printableLine(part.reason ?? "");
  const code = part.error_code === null ? "" : ` (${part.error_code})`;
  switch (part.state) {
    case "failed":
      return [title, ...indented(`Failed: ${reason}${code}`, columns).map(styles.bad)];
    case "unavailable":
      return [title, ...indented(`Not available: ${reason}${code}`, columns).map(styles.warning)];
    default:
      return [title, "  Not made"];
  }
}

/** Which model made it, and what an extractive one can't do. */
function madeBy({ model, extractive }: Analysis[PartName]): string {
  const name = printableLine(model ?? "unknown model");
  return extractive ? `by ${name} (built-in, extractive: sentences taken from the text)` : `by ${name}`;
}

function paragraphs(text: string, { columns }: Look): string[] {
  return printableText(text)
    .split("\n")
    .flatMap((line) => indented(line, columns));
}

function bullets(points: readonly string[], { columns }: Look): string[] {
  return points.flatMap((point) =>
    wrap(printableLine(point), columns - 4).map((line, index) => `  ${index === 0 ? "•" : " "} ${line}`),
  );
}

function sentimentLines(result: NonNullable<Analysis["sentiment"]["result"]>, look: Look): string[] {
  const score = `${result.score > 0 ? "+" : ""}${result.score.toFixed(2)}`;
  return [`  ${result.label} (${score}, from -1 to +1)`, ...bullets(result.evidence, look)];
}

function warningBlock(document: Document, { styles, columns }: Look): string[] {
  if (document.warnings.length === 0) return [];
  const lines = document.warnings.flatMap(({ code, message }) =>
    indented(`${printableLine(message)} (${code})`, columns),
  );
  return [styles.bold("Warnings"), ...lines.map(styles.warning)];
}

function indented(text: string, columns: number): string[] {
  return wrap(text, columns - 2).map((line) => `  ${line}`.trimEnd());
}
