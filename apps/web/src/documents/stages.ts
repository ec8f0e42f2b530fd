import type { Document } from "@millrace/contracts";
import { countOf, formatCount } from "../formatting/numbers.ts";
import { partNames } from "./parts.ts";

export type StageState = "done" | "current" | "waiting" | "warning" | "failed" | "cancelled";
export type Stage = {
  readonly key: "stored" | "text" | "index" | "analysis" | "done";
  readonly label: string;
  readonly state: StageState;
  readonly detail: string | undefined;
};

const order = [
  { key: "stored", label: "Stored" },
  { key: "text", label: "Text" },
  { key: "index", label: "Index" },
  { key: "analysis", label: "Analysis" },
  { key: "done", label: "Done" },
] as const;

/** Where each stage that a job reports stands in the order; a new name falls back to what is known. */
const positions: Readonly<Record<string, number>> = {
  initialization: 1,
  text_extraction: 1,
  indexing: 2,
  ai_analysis: 3,
  finalization: 4,
};

/** The way of a document, with what is known of each stage. */
export function stagesOf(document: Document): Stage[] {
  const reached = reachedPosition(document);
  return order.map(({ key, label }, position) => ({
    key,
    label,
    state: stateAt(document, position, reached),
    detail: detailOf(document, key),
  }));
}

/** The stage that is worked on, in the words of the page; undefined when nothing is. */
export function currentStageLabel(document: Document): string | undefined {
  return stagesOf(document).find(({ state }) => state === "current")?.label;
}

function reachedPosition(document: Document): number {
  const reported = document.progress?.stage;
  const position = reported === null || reported === undefined ? undefined : positions[reported];
  if (position !== undefined) return position;
  if (document.text_length === null) return 1;
  return partNames.some((part) => document.parts[part] !== "pending") ? 3 : 2;
}

function stateAt(document: Document, position: number, reached: number): StageState {
  switch (document.status) {
    case "uploaded":
      return position === 0 ? "done" : "waiting";
    case "processing":
      return position < reached ? "done" : position === reached ? "current" : "waiting";
    case "completed":
      return "done";
    case "partial":
      return position === 3 ? "warning" : "done";
    case "failed":
      return position < reached ? "done" : position === reached ? "failed" : "waiting";
    case "cancelled":
      return position < reached ? "done" : position === reached ? "cancelled" : "waiting";
  }
}

function detailOf(document: Document, key: Stage["key"]): string | undefined {
  if (key === "text" && document.text_length !== null) {
    return document.page_count === null
      ? `${formatCount(document.text_length)} characters`
      : countOf(document.page_count, "page");
  }
  if (key !== "analysis") return undefined;
  const finished = partNames.filter((part) => document.parts[part] === "done").length;
  return document.text_length === null ? undefined : `${finished} of ${partNames.length}`;
}
