import type { Analysis, Document, PartName } from "@millrace/contracts";
import { partLabels, partNames } from "./parts.ts";
import { fileTypeLabels, statusLabels } from "./statuses.ts";

/** The document's record and analysis as one JSON text. */
export function exportJson(document: Document, analysis: Analysis): string {
  return `${JSON.stringify({ document, analysis }, null, 2)}\n`;
}

/** The analysis to read or to paste elsewhere. Parts without a result say why. */
export function exportMarkdown(document: Document, analysis: Analysis): string {
  const facts = [
    document.file_type === null ? undefined : fileTypeLabels[document.file_type],
    document.file_name ?? undefined,
    statusLabels[document.status],
    `added ${document.created_at}`,
  ].filter((fact) => fact !== undefined);
  const sections = partNames.map(
    (part) => `## ${partLabels[part]}\n\n${sectionOf(part, analysis)}${sourceOf(part, analysis)}`,
  );
  return `# ${document.title}\n\n${facts.join(" · ")}\n\n${sections.join("\n\n")}\n`;
}

function sectionOf(part: PartName, analysis: Analysis): string {
  const text = resultOf(part, analysis);
  if (text !== undefined) return text;
  const { state, reason } = analysis[part];
  return `_${reason ?? (state === "failed" ? "Failed." : "Not there yet.")}_`;
}

/** A part's result as plain text with Markdown lists; undefined while there is none. */
export function resultOf(part: PartName, analysis: Analysis): string | undefined {
  switch (part) {
    case "summary":
      return analysis.summary.result?.text;
    case "key_points":
      return analysis.key_points.result?.points.map((point) => `- ${point}`).join("\n");
    case "sentiment": {
      const result = analysis.sentiment.result;
      if (result === null) return undefined;
      return [
        `${result.label} (${result.score.toFixed(2)})`,
        ...result.evidence.map((text) => `> ${text}`),
      ].join("\n\n");
    }
    case "topics":
      return analysis.topics.result?.topics.join(", ");
  }
}

function sourceOf(part: PartName, analysis: Analysis): string {
  const { model, extractive } = analysis[part];
  if (model === null) return "";
  return `\n\n_${extractive ? "Built-in model, sentences taken from the text" : model}_`;
}

/** A file name from a title that every system accepts. */
export function exportFileName(title: string, ending: "json" | "md"): string {
  const name = title
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")
    .replaceAll(/^[-.]+|[-.]+$/g, "")
    .slice(0, 80);
  return `${name === "" ? "document" : name}.${ending}`;
}

/** Hands a text to the browser as a download. */
export function download(fileName: string, text: string, mediaType: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: mediaType }));
  const link = window.document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  // The browser has taken the content over once the click was handled.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
