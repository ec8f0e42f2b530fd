import type { Document } from "@millrace/contracts";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import IconCircleX from "@tabler/icons-react/dist/esm/icons/IconCircleX.mjs";
import IconCopy from "@tabler/icons-react/dist/esm/icons/IconCopy.mjs";
import IconInfoCircle from "@tabler/icons-react/dist/esm/icons/IconInfoCircle.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { ReactNode } from "react";
import { Notice } from "../feedback/notice.tsx";
import classes from "./document-outcome.module.css";
import { partLabels, partNames } from "./parts.ts";
import { isLocked } from "./statuses.ts";
import { UnlockNotice } from "./unlock-notice.tsx";

/** What went wrong, or what to know of the extraction, each with the next step. */
export function DocumentOutcome({ document }: { document: Document }) {
  const [wasGiven, setWasGiven] = useState(false);
  const outcome = isLocked(document) ? (
    <UnlockNotice document={document} isAwaited={wasGiven} onSend={() => setWasGiven(true)} />
  ) : (
    outcomeOf(document)
  );
  if (outcome === null && document.warnings.length === 0 && document.duplicate_of === null) return null;
  return (
    <div className={classes.stack}>
      {outcome}
      {document.duplicate_of === null ? null : (
        <Notice tone="plain" icon={<IconCopy size={19} />}>
          <p>
            The same bytes were here already:{" "}
            <Link to="/documents/$id" params={{ id: document.duplicate_of }}>
              see the first document
            </Link>
            .
          </p>
        </Notice>
      )}
      {document.warnings.map((warning) => (
        <Notice key={`${warning.code} ${warning.message}`} tone="warn" icon={<IconInfoCircle size={19} />}>
          <p>{warning.message}</p>
        </Notice>
      ))}
    </div>
  );
}

function outcomeOf(document: Document): ReactNode {
  switch (document.status) {
    case "failed":
      return (
        <Notice tone="bad" icon={<IconCircleX size={19} />} title="Processing failed">
          <p>{document.processing_error ?? "No reason was recorded. The log may say more."}</p>
          <p className={classes.next}>
            {document.text_length === null
              ? "Nothing was read from this file. Reprocess once the cause is gone, or delete it and add a mended file."
              : "The text was read and can be searched. Reprocess to run the analysis again."}
            {document.processing_error_code === null ? null : (
              <>
                {" "}
                Code: <code>{document.processing_error_code}</code>
              </>
            )}
          </p>
        </Notice>
      );
    case "partial":
      return (
        <Notice tone="warn" icon={<IconAlertTriangle size={19} />} title="Some parts failed">
          <p>
            {failedParts(document)} could not be made; everything else is there. Retry the failed parts: what
            is done is kept.
          </p>
        </Notice>
      );
    case "cancelled":
      return (
        <Notice tone="plain" icon={<IconPlayerStop size={19} />} title="Processing was cancelled">
          <p>What was finished before is kept. Reprocess to run it again from the start.</p>
        </Notice>
      );
    case "uploaded":
    case "processing":
    case "completed":
      return null;
  }
}

const listFormat = new Intl.ListFormat("en", { type: "conjunction" });

function failedParts(document: Document): string {
  const failed = partNames
    .filter((part) => document.parts[part] === "failed")
    .map((part) => partLabels[part]);
  return failed.length === 0 ? "Some parts" : listFormat.format(failed);
}
