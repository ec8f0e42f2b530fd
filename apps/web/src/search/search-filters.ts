import type { FileType } from "@millrace/contracts";
import { readFileType } from "../documents/statuses.ts";

export const sentimentChoices = ["positive", "negative", "neutral", "mixed"] as const;
type Sentiment = (typeof sentimentChoices)[number];

/** What the address says of a search beside its query. */
export type SearchFilters = {
  readonly type?: FileType | undefined;
  readonly sentiment?: Sentiment | undefined;
  /** ISO 639-1. */
  readonly language?: string | undefined;
  readonly tag?: string | undefined;
  /** By its id. */
  readonly collection?: string | undefined;
  /** Days of the reader's own calendar, the last one included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Whether scores are explained. */
  readonly explain?: "true" | undefined;
};

/** What can't be asked for is left out. */
export function readSearchFilters(search: Readonly<Record<string, unknown>>): SearchFilters {
  const { type, sentiment, language, tag, collection, from, to, explain } = search;
  return {
    type: readFileType(type),
    sentiment: sentimentChoices.find((choice) => choice === sentiment),
    language: typeof language === "string" && /^[a-z]{2,3}$/.test(language) ? language : undefined,
    tag: readLabel(tag),
    collection: readLabel(collection),
    from: readDay(from),
    to: readDay(to),
    explain: explain === "true" ? "true" : undefined,
  };
}

/** Whether any of them leaves documents out. */
export function isNarrowed({ explain: _explain, ...filters }: SearchFilters): boolean {
  return Object.values(filters).some((value) => value !== undefined);
}

/** The filters as the server takes them: days become moments of the reader's time zone. */
export function filterParameters(filters: SearchFilters): Record<string, string | undefined> {
  const { type, sentiment, language, tag, collection, from, to, explain } = filters;
  return {
    file_type: type,
    sentiment,
    language,
    tag,
    collection,
    created_after: from === undefined ? undefined : startOfDay(from, 0),
    created_before: to === undefined ? undefined : startOfDay(to, 1),
    explain,
  };
}

function readLabel(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, 100) : undefined;
}

function startOfDay(day: string, daysLater: number): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + daysLater).toISOString();
}

function readDay(value: unknown): string | undefined {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return undefined;
  return Number.isNaN(Date.parse(value)) ? undefined : value;
}
