import { Button, Modal } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./confirm-dialog.module.css";

/** Asks once more before something that can't be undone. The children name what will be gone. */
export function ConfirmDialog({
  title,
  isOpen,
  onClose,
  onConfirm,
  confirmLabel,
  cancelLabel = "Cancel",
  isDangerous = true,
  isPending = false,
  isConfirmable = true,
  children,
}: {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  onConfirm: () => void;
  confirmLabel: string;
  /** Default "Cancel". */
  cancelLabel?: string;
  /** Whether something is lost by it. Default true. */
  isDangerous?: boolean;
  /** Default false. */
  isPending?: boolean;
  /** Default true. */
  isConfirmable?: boolean;
  children: ReactNode;
}) {
  return (
    <Modal opened={isOpen} onClose={onClose} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <div className={classes.text}>{children}</div>
      <div className={classes.actions}>
        <Button variant="default" onClick={onClose} {...(isDangerous ? { "data-autofocus": true } : {})}>
          {cancelLabel}
        </Button>
        <Button
          {...(isDangerous ? { color: "red" } : {})}
          loading={isPending}
          disabled={!isConfirmable}
          onClick={onConfirm}
        >
          {confirmLabel}
        </Button>
      </div>
    </Modal>
  );
}
