import type { Analysis, Document, PartName } from "@millrace/contracts";
import { Button, Loader } from "@mantine/core";
import classes from "./rerun-note.module.css";
import { partLabels } from "./parts.ts";
import { useCancelRerun } from "./use-document-actions.ts";

/** That a part is being made again, or could not be; what is shown below it is the result of before. */
export function RerunNote({
  part,
  document,
  rerun,
}: {
  part: PartName;
  document: Document;
  rerun: NonNullable<Analysis[PartName]["rerun"]>;
}) {
  const cancel = useCancelRerun(document.id);
  const by = rerun.model === null ? "" : ` by ${rerun.model}`;
  if (rerun.state === "failed") {
    return (
      <p className={classes.note} data-failed role="status">
        Could not be made again{by}. {rerun.reason} This is the result of before.
      </p>
    );
  }
  return (
    <div className={classes.note} role="status">
      <Loader size={14} aria-hidden="true" />
      <span className={classes.text}>Being made again{by}. Until then this is the result of before.</span>
      <Button
        size="compact-xs"
        variant="default"
        loading={cancel.isPending}
        aria-label={`Stop making ${partLabels[part].toLowerCase()} again`}
        onClick={() => cancel.mutate(rerun.job_id)}
      >
        Stop
      </Button>
    </div>
  );
}
