import type { Analysis, Document, PartName, PartState } from "@millrace/contracts";
import { Button, Skeleton } from "@mantine/core";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconInfoCircle from "@tabler/icons-react/dist/esm/icons/IconInfoCircle.mjs";
import IconRotateClockwise from "@tabler/icons-react/dist/esm/icons/IconRotateClockwise.mjs";
import type { ReactNode } from "react";
import { CopyButton } from "../feedback/copy.tsx";
import { Notice } from "../feedback/notice.tsx";
import { resultOf } from "./result-text.ts";
import classes from "./part-card.module.css";
import { partLabels } from "./parts.ts";
import { RerunMenu } from "./rerun-menu.tsx";
import { RerunNote } from "./rerun-note.tsx";
import { isSettled } from "./statuses.ts";
import { useRetryPart } from "./use-document-actions.ts";

/** One analysis with its own fate: the others neither wait for it nor fall with it. */
export function PartCard({
  part,
  document,
  analysis,
  children,
}: {
  part: PartName;
  document: Document;
  analysis: Analysis;
  children: ReactNode;
}) {
  const { state, model, extractive, prompts, rerun } = analysis[part];
  const canRerun = isMade(state) && document.text_length !== null && rerun?.state !== "running";
  const text = state === "done" ? resultOf(part, analysis) : undefined;
  return (
    <section className={classes.card} aria-labelledby={`part-${part}`} aria-busy={state === "running"}>
      <header className={classes.head}>
        <h2 id={`part-${part}`} className={classes.title}>
          {partLabels[part]}
        </h2>
        {state === "done" && model !== null ? (
          <ModelLabel model={model} isExtractive={extractive} prompts={prompts} />
        ) : null}
        {text === undefined ? null : (
          <CopyButton text={text} label={`Copy ${partLabels[part].toLowerCase()}`} />
        )}
        {canRerun ? <RerunMenu part={part} document={document} /> : null}
      </header>
      {rerun === null ? null : <RerunNote part={part} document={document} rerun={rerun} />}
      <PartBody part={part} document={document} analysis={analysis}>
        {children}
      </PartBody>
    </section>
  );
}

/** Something came out of it, if only that nothing can. */
function isMade(state: PartState): boolean {
  return state === "done" || state === "failed" || state === "unavailable";
}

function PartBody({
  part,
  document,
  analysis,
  children,
}: {
  part: PartName;
  document: Document;
  analysis: Analysis;
  children: ReactNode;
}) {
  const { state, reason } = analysis[part];
  switch (state) {
    case "pending":
      return <p className={classes.quiet}>{pendingText(document)}</p>;
    case "running":
      return <RunningSkeleton part={part} />;
    case "done":
      return children ?? <RunningSkeleton part={part} />;
    case "failed":
      return <FailedPart part={part} document={document} reason={reason} />;
    case "unavailable":
      return (
        <Notice tone="plain" icon={<IconInfoCircle size={18} />}>
          <p>{reason ?? "This part can't be made for this document."}</p>
        </Notice>
      );
  }
}

function FailedPart({
  part,
  document,
  reason,
}: {
  part: PartName;
  document: Document;
  reason: string | null;
}) {
  const retry = useRetryPart(document.id);
  return (
    <Notice
      tone="bad"
      icon={<IconCircleX size={18} />}
      action={
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconRotateClockwise size={15} />}
          loading={retry.isPending}
          disabled={!isSettled(document)}
          onClick={() => retry.mutate(part)}
        >
          Retry this part
        </Button>
      }
    >
      <p>{reason ?? "This part failed. The log says more."}</p>
    </Notice>
  );
}

function pendingText(document: Document): string {
  if (document.status === "failed") return "Not made: processing failed before it.";
  if (document.status === "cancelled") return "Not made: processing was cancelled before it.";
  return "Comes after the text and the index.";
}

function ModelLabel({
  model,
  isExtractive,
  prompts,
}: {
  model: string;
  isExtractive: boolean;
  /** Such as `document.summary@1`. */
  prompts: readonly string[];
}) {
  const label = isExtractive ? "Built-in, extractive" : model.slice(model.indexOf(":") + 1);
  const title = isExtractive
    ? `${model}: picks sentences from the text, does not write`
    : [model, ...prompts].join(", ");
  const versions = prompts.map((prompt) => prompt.replace(/^document\./, "prompt "));
  return (
    <>
      {versions.length === 0 ? null : <span className={classes.prompt}>{versions.join(", ")}</span>}
      <span className={classes.model} title={title}>
        {label}
      </span>
    </>
  );
}

const skeletonLines: Record<PartName, readonly string[]> = {
  summary: ["100%", "96%", "99%", "62%"],
  key_points: ["88%", "94%", "76%"],
  sentiment: ["40%", "100%"],
  topics: ["70%"],
};

function RunningSkeleton({ part }: { part: PartName }) {
  return (
    <div className={classes.skeleton}>
      <span className={classes.hidden}>In progress</span>
      {skeletonLines[part].map((width) => (
        <Skeleton key={width} height={13} width={width} />
      ))}
    </div>
  );
}
