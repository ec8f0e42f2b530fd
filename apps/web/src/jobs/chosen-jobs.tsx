import type { Job } from "@millrace/contracts";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ChosenBar } from "../parts/chosen-bar.tsx";
import { countOf } from "../formatting/numbers.ts";
import type { BulkAction } from "../parts/bulk.ts";
import { BulkDialog } from "../parts/bulk-dialog.tsx";
import { fitting } from "./job-selection.ts";

/** What can be done with the chosen jobs. The buttons count those that it can be done with. */
export function ChosenJobs({ jobs, onClear }: { jobs: readonly Job[]; onClear: () => void }) {
  // The jobs as they were when the button was pressed: they change while the dialog is open.
  const [wanted, setWanted] = useState<{ action: BulkAction; ids: string[] } | undefined>();
  const [isOpen, setIsOpen] = useState(false);
  const open = (action: BulkAction) => {
    setWanted({ action, ids: fitting(action, jobs).map(({ id }) => id) });
    setIsOpen(true);
  };
  const retryable = fitting("retry", jobs).length;
  const cancellable = fitting("cancel", jobs).length;
  return (
    <>
      {jobs.length === 0 ? null : (
        <ChosenBar label="Chosen jobs" count={`${countOf(jobs.length, "job")} chosen`} onClear={onClear}>
          <Button size="compact-md" disabled={retryable === 0} onClick={() => open("retry")}>
            Retry {retryable}
          </Button>
          <Button
            size="compact-md"
            variant="default"
            disabled={cancellable === 0}
            onClick={() => open("cancel")}
          >
            Cancel {cancellable}
          </Button>
        </ChosenBar>
      )}
      {wanted === undefined ? null : (
        <BulkDialog
          action={wanted.action}
          filter={{ ids: wanted.ids }}
          count={wanted.ids.length}
          title={wanted.action === "retry" ? "Retry the chosen jobs?" : "Cancel the chosen jobs?"}
          isOpen={isOpen}
          onClose={() => {
            setIsOpen(false);
            onClear();
          }}
        >
          <p>
            {wanted.action === "retry"
              ? `${countOf(wanted.ids.length, "job")} will go back in line with the input they had. Their history stays.`
              : `${countOf(wanted.ids.length, "job")} will be stopped. Those that run get told, and end as soon as they listen.`}
          </p>
        </BulkDialog>
      )}
    </>
  );
}
