import type { Document } from "@millrace/contracts";
import { Link } from "@tanstack/react-router";
import { countOf, formatBytes, formatCount } from "../formatting/numbers.ts";
import { formatAbsolute } from "../formatting/time.ts";
import { CopyButton } from "../feedback/copy.tsx";
import { DocumentLabels } from "./document-labels.tsx";
import type { DocumentView } from "./document-view.ts";
import { LogLines } from "../logs/log-lines.tsx";
import classes from "./overview-panel.module.css";
import { PartCard } from "./part-card.tsx";
import { KeyPoints, Sentiment, Summary, Topics } from "./part-results.tsx";
import { SimilarPanel } from "./similar-panel.tsx";
import { fileTypeLabels, isSettled } from "./statuses.ts";
import { useLogLines } from "./use-log-lines.ts";

export function OverviewPanel({ view }: { view: DocumentView }) {
  const { document, analysis } = view;
  const { summary, key_points: keyPoints, sentiment, topics } = analysis;
  return (
    <>
      {isSettled(document) ? null : <LogTail document={document} />}
      <div className={classes.grid}>
        <div className={classes.column}>
          <PartCard part="summary" document={document} analysis={analysis}>
            {summary.result === null ? null : <Summary result={summary.result} />}
          </PartCard>
          <PartCard part="key_points" document={document} analysis={analysis}>
            {keyPoints.result === null ? null : <KeyPoints result={keyPoints.result} />}
          </PartCard>
        </div>
        <div className={classes.column}>
          <DocumentLabels document={document} />
          <PartCard part="sentiment" document={document} analysis={analysis}>
            {sentiment.result === null ? null : <Sentiment result={sentiment.result} />}
          </PartCard>
          <PartCard part="topics" document={document} analysis={analysis}>
            {topics.result === null ? null : <Topics result={topics.result} />}
          </PartCard>
          <SimilarPanel document={document} />
          <Details document={document} />
        </div>
      </div>
    </>
  );
}

/** The last lines of the log, while there is something to follow. */
function LogTail({ document }: { document: Document }) {
  const { lines } = useLogLines(document.id);
  if (lines.length === 0) return null;
  return (
    <section className={classes.tail} aria-label="Latest log lines">
      <LogLines lines={lines.slice(-4)} />
      <Link
        to="/documents/$id"
        params={{ id: document.id }}
        search={{ tab: "log" }}
        className={classes.tailLink}
      >
        Whole log
      </Link>
    </section>
  );
}

function Details({ document }: { document: Document }) {
  const rows: [string, string | undefined][] = [
    ["File", document.file_name ?? "Pasted text"],
    ["Type", document.file_type === null ? undefined : fileTypeLabels[document.file_type]],
    ["Size", formatBytes(document.file_size)],
    ["Pages", document.page_count === null ? undefined : formatCount(document.page_count)],
    ["Text", document.text_length === null ? undefined : countOf(document.text_length, "character")],
    ["Language", languageName(document.language)],
    ["Read by", document.extraction_method ?? undefined],
    [
      "Finished",
      document.processing_completed_at === null
        ? undefined
        : formatAbsolute(document.processing_completed_at),
    ],
  ];
  return (
    <section className={classes.details} aria-labelledby="details-heading">
      <h2 id="details-heading">Details</h2>
      <dl>
        {rows.map(([name, value]) =>
          value === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
        <div>
          <dt>Id</dt>
          <dd className={classes.id}>
            <span>{document.id}</span>
            <CopyButton text={document.id} label="Copy id" />
          </dd>
        </div>
      </dl>
    </section>
  );
}

function languageName(code: string | null): string | undefined {
  if (code === null) return undefined;
  try {
    return new Intl.DisplayNames(undefined, { type: "language" }).of(code) ?? code;
  } catch {
    // Not a language tag: shown as it is.
    return code;
  }
}
