import type { Summary } from "@millrace/contracts";
import { Button, Modal } from "@mantine/core";
import classes from "../documents/delete-dialog.module.css";
import { isOver } from "./summary-live.ts";
import { useDeleteSummary } from "./use-summaries.ts";

/** Asks once more, naming what will be gone: deleting has no way back. */
export function DeleteSummaryDialog({
  summary,
  isOpen,
  onClose,
}: {
  summary: Summary;
  isOpen: boolean;
  onClose: () => void;
}) {
  const removal = useDeleteSummary(onClose);
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title="Delete this summary?"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <p className={classes.text}>
        <strong>{summary.title}</strong> goes with its text.
        {isOver(summary) ? "" : " The work on it is stopped."} This can't be undone.
      </p>
      <div className={classes.actions}>
        <Button variant="default" onClick={onClose} data-autofocus>
          Keep it
        </Button>
        <Button color="red" loading={removal.isPending} onClick={() => removal.mutate(summary)}>
          Delete
        </Button>
      </div>
    </Modal>
  );
}
