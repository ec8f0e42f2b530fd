import type { JobSelection } from "@millrace/contracts";
import { Button, Modal, Progress } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import type { ReactNode } from "react";
import { problemText } from "../api/problem.ts";
import { countOf, formatCount } from "../formatting/numbers.ts";
import { Notice } from "../feedback/notice.tsx";
import { runInBulk } from "./bulk.ts";
import type { BulkAction, BulkOutcome, BulkProgress } from "./bulk.ts";
import classes from "./confirm-dialog.module.css";
import { monitorRoot } from "../monitor/parts/monitor-keys.ts";

type Phase =
  | { readonly kind: "asking" }
  | { readonly kind: "running"; readonly progress: BulkProgress }
  | { readonly kind: "ended"; readonly outcome: BulkOutcome }
  | { readonly kind: "refused"; readonly error: unknown };

export type BulkDialogProps = {
  readonly action: BulkAction;
  readonly filter: JobSelection;
  /** How many there are, as they are seen: for the button and the progress. */
  readonly count: number;
  readonly title: string;
  /** Which jobs these are. */
  readonly children: ReactNode;
  readonly isOpen: boolean;
  readonly onClose: () => void;
};

const words = {
  retry: { verb: "Retry", done: "retried", doing: "Retrying" },
  cancel: { verb: "Cancel", done: "cancelled", doing: "Cancelling" },
} as const;

/** Retries or cancels many jobs: asks first, shows how far it is, and says what became of it. */
export function BulkDialog(props: BulkDialogProps) {
  const { action, count, title, isOpen, onClose, children } = props;
  const [phase, setPhase] = useState<Phase>({ kind: "asking" });
  const stopping = useRef(new AbortController());
  const queries = useQueryClient();

  const start = async () => {
    stopping.current = new AbortController();
    setPhase({ kind: "running", progress: { changed: 0, skipped: 0, left: count } });
    try {
      const outcome = await runInBulk({
        action,
        filter: props.filter,
        onProgress: (progress) => setPhase({ kind: "running", progress }),
        signal: stopping.current.signal,
      });
      setPhase({ kind: "ended", outcome });
    } catch (error) {
      setPhase({ kind: "refused", error });
    }
    void queries.invalidateQueries({ queryKey: monitorRoot });
  };
  const close = () => {
    stopping.current.abort();
    onClose();
  };
  return (
    <Modal
      opened={isOpen}
      onClose={close}
      onExitTransitionEnd={() => setPhase({ kind: "asking" })}
      title={title}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={classes.text}>
        {phase.kind === "asking" ? children : null}
        {phase.kind === "running" ? <Running action={action} {...phase.progress} /> : null}
        {phase.kind === "ended" ? <Ended action={action} outcome={phase.outcome} /> : null}
        {phase.kind === "refused" ? <Notice tone="bad">{problemText(phase.error)}</Notice> : null}
      </div>
      <div className={classes.actions}>
        {phase.kind === "running" ? (
          <Button variant="default" onClick={() => stopping.current.abort()}>
            Stop
          </Button>
        ) : (
          <Button variant="default" onClick={close} data-autofocus>
            {phase.kind === "asking" ? "Leave them" : "Close"}
          </Button>
        )}
        {phase.kind === "asking" ? (
          <Button {...(action === "cancel" ? { color: "red" } : {})} onClick={() => void start()}>
            {`${words[action].verb} ${countOf(count, "job")}`}
          </Button>
        ) : null}
      </div>
    </Modal>
  );
}

function Running({ action, changed, skipped, left }: BulkProgress & { action: BulkAction }) {
  const total = changed + skipped + left;
  const percent = total === 0 ? 0 : ((changed + skipped) / total) * 100;
  return (
    <>
      <p role="status">
        {words[action].doing}: {formatCount(changed)} of {countOf(total, "job")}
      </p>
      <Progress value={percent} aria-label={words[action].doing} />
    </>
  );
}

function Ended({ action, outcome }: { action: BulkAction; outcome: BulkOutcome }) {
  const { changed, skipped, left, end, errors } = outcome;
  return (
    <>
      <Notice tone={end === "done" && skipped === 0 ? "good" : "warn"}>
        <p role="status">
          {countOf(changed, "job")} {words[action].done}.
          {skipped === 0
            ? ""
            : ` ${countOf(skipped, "job")} stayed as ${skipped === 1 ? "it was" : "they were"}.`}
          {left === 0
            ? ""
            : ` ${formatCount(left)} left${end === "stuck" ? ", held by others just now" : ""}.`}
        </p>
      </Notice>
      {errors.length === 0 ? null : (
        <ul className={classes.list}>
          {errors.map(({ id, message }) => (
            <li key={id}>{message}</li>
          ))}
        </ul>
      )}
    </>
  );
}
