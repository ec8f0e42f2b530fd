import type { Document } from "@millrace/contracts";
import { Button, Modal } from "@mantine/core";
import { useHasTrash } from "../api/use-system.ts";
import { isSettled } from "./statuses.ts";
import { useDelete } from "./use-document-actions.ts";
import classes from "./delete-dialog.module.css";

/** Asks once more, saying where it goes. */
export function DeleteDialog({
  document,
  isOpen,
  onClose,
  onDeleted,
}: {
  document: Document;
  isOpen: boolean;
  onClose: () => void;
  onDeleted?: () => void;
}) {
  const removal = useDelete(() => {
    onClose();
    onDeleted?.();
  });
  const hasTrash = useHasTrash();
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title="Delete this document?"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <p className={classes.text}>
        <strong>{document.title}</strong>{" "}
        {hasTrash
          ? "goes to the trash, with its file, text and analysis, and can be restored from there."
          : "is deleted with its file, text and analysis. It can't be undone."}
        {isSettled(document) ? "" : " The work on it is stopped."}
      </p>
      <div className={classes.actions}>
        <Button variant="default" onClick={onClose} data-autofocus>
          Keep it
        </Button>
        <Button color="red" loading={removal.isPending} onClick={() => removal.mutate(document)}>
          Delete
        </Button>
      </div>
    </Modal>
  );
}
