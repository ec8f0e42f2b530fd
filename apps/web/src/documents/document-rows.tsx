import type { Document } from "@millrace/contracts";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import rowClasses from "../parts/row.module.css";
import { Moment } from "../formatting/moment.tsx";
import { ChooseBox } from "./choose-box.tsx";
import type { Choice } from "./choose-box.tsx";
import { DocumentSummaryLine } from "./document-summary-line.tsx";
import classes from "./document-rows.module.css";
import { LabelLine } from "./label-line.tsx";
import { FileIcon } from "./file-icon.tsx";
import { RowMenu } from "./row-menu.tsx";
import { StatusBadge } from "./status-badge.tsx";
import { isSettled } from "./statuses.ts";
import { useWorkAction } from "./use-document-actions.ts";
import { useLiveRow } from "./use-document.ts";

/** Documents one below the other, for Home and for narrow screens. */
export function DocumentRows({
  documents,
  label,
  choice,
}: {
  documents: readonly Document[];
  label: string;
  /** Left out: nothing can be chosen. */
  choice?: Choice;
}) {
  return (
    <ul className={classes.list} aria-label={label}>
      {documents.map((document) => (
        <DocumentRow key={document.id} listed={document} choice={choice} />
      ))}
    </ul>
  );
}

function DocumentRow({ listed, choice }: { listed: Document; choice: Choice | undefined }) {
  const document = useLiveRow(listed);
  return (
    <li className={classes.row}>
      <div className={classes.sign}>
        <ChooseBox document={document} choice={choice} />
        <FileIcon type={document.file_type} />
      </div>
      <div className={classes.body}>
        <Link
          to="/documents/$id"
          params={{ id: document.id }}
          className={`${rowClasses.link} ${rowClasses.oneLine}`}
        >
          {document.title}
        </Link>
        <DocumentSummaryLine document={document} />
        <LabelLine document={document} />
      </div>
      <div className={classes.status}>
        <StatusBadge status={document.status} />
        <span className={classes.time}>
          <Moment value={document.created_at} />
        </span>
      </div>
      <div className={classes.actions}>
        <MainAction document={document} />
        <RowMenu document={document} />
      </div>
    </li>
  );
}

/** The one action that a row in this status asks for, without opening a menu. */
function MainAction({ document }: { document: Document }) {
  const work = useWorkAction(document.id);
  const action = !isSettled(document)
    ? ({ name: "cancel", label: "Cancel" } as const)
    : document.status === "partial"
      ? ({ name: "retry_failed", label: "Retry" } as const)
      : document.status === "failed" || document.status === "cancelled"
        ? ({ name: "reprocess", label: "Retry" } as const)
        : undefined;
  if (action === undefined) return null;
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={work.isPending}
      aria-label={`${action.label} ${document.title}`}
      onClick={() => work.mutate(action.name)}
    >
      {action.label}
    </Button>
  );
}
