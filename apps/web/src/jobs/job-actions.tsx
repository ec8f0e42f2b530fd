import type { Job, JobDetail } from "@millrace/contracts";
import { ActionIcon, Button, Menu } from "@mantine/core";
import IconDots from "@tabler/icons-react/dist/esm/icons/IconDots.mjs";
import IconId from "@tabler/icons-react/dist/esm/icons/IconId.mjs";
import IconLink from "@tabler/icons-react/dist/esm/icons/IconLink.mjs";
import IconPlayerPlay from "@tabler/icons-react/dist/esm/icons/IconPlayerPlay.mjs";
import IconPlayerStop from "@tabler/icons-react/dist/esm/icons/IconPlayerStop.mjs";
import IconRefresh from "@tabler/icons-react/dist/esm/icons/IconRefresh.mjs";
import IconUnlink from "@tabler/icons-react/dist/esm/icons/IconUnlink.mjs";
import { useState } from "react";
import { copyText } from "../feedback/copy.tsx";
import { showDone } from "../feedback/toasts.ts";
import { ConfirmDialog } from "../parts/confirm-dialog.tsx";
import { useMonitorAction } from "../monitor/parts/use-monitor-action.ts";
import { actOnJob } from "./job-requests.ts";
import type { JobAction } from "./job-requests.ts";
import { canCancel, canRetry, hasEnded } from "./job-times.ts";
import { RunTaskDialog } from "./run-task-dialog.tsx";

const refusals: Record<JobAction, string> = {
  cancel: "Not cancelled",
  retry: "Not retried",
  "force-release": "Not taken from its worker",
};

/** What can be done with one job. What is not possible in its state is not offered. */
export function JobActions({ job }: { job: JobDetail }) {
  const [dialog, setDialog] = useState<"release" | "run" | undefined>();
  const cancel = useJobAction(job.id, "cancel");
  const retry = useJobAction(job.id, "retry");
  const release = useJobAction(job.id, "force-release", () => setDialog(undefined));
  const copyLink = async () => {
    if (await copyText(new URL(`/monitor/jobs/${job.id}`, location.href).href)) showDone("Link copied");
  };
  const copyId = async () => {
    if (await copyText(job.id)) showDone("Id copied");
  };
  return (
    <>
      {canCancel(job) ? (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={17} />}
          loading={cancel.isPending}
          onClick={() => cancel.mutate()}
        >
          Cancel
        </Button>
      ) : null}
      {canRetry(job) ? (
        <Button
          leftSection={<IconRefresh size={17} />}
          loading={retry.isPending}
          onClick={() => retry.mutate()}
        >
          Retry
        </Button>
      ) : null}
      <Menu>
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More actions">
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {hasEnded(job) ? (
            <Menu.Item leftSection={<IconPlayerPlay size={16} />} onClick={() => setDialog("run")}>
              Run again as a new job…
            </Menu.Item>
          ) : null}
          <Menu.Item leftSection={<IconLink size={16} />} onClick={() => void copyLink()}>
            Copy link
          </Menu.Item>
          <Menu.Item leftSection={<IconId size={16} />} onClick={() => void copyId()}>
            Copy id
          </Menu.Item>
          {job.state === "running" ? (
            <>
              <Menu.Divider />
              <Menu.Item
                color="var(--bad)"
                leftSection={<IconUnlink size={16} />}
                onClick={() => setDialog("release")}
              >
                Take from its worker…
              </Menu.Item>
            </>
          ) : null}
        </Menu.Dropdown>
      </Menu>
      <ConfirmDialog
        title="Take this job from its worker?"
        isOpen={dialog === "release"}
        onClose={() => setDialog(undefined)}
        onConfirm={() => release.mutate()}
        isPending={release.isPending}
        confirmLabel="Take it"
        cancelLabel="Leave it there"
      >
        <p>
          For a worker that hangs and no longer answers. The job goes back in line at once, and this attempt
          is not counted.
        </p>
        <p>
          The worker is not asked. While it still runs the old attempt, the new one may run beside it: what
          that does outside of Millrace, such as a mail it sends, can happen twice.
        </p>
      </ConfirmDialog>
      <RunTaskDialog
        isOpen={dialog === "run"}
        onClose={() => setDialog(undefined)}
        task={job.task}
        input={job.omitted.includes("input") ? undefined : job.input}
      />
    </>
  );
}

function useJobAction(id: string, action: JobAction, onDone?: () => void) {
  return useMonitorAction<void, Job>({
    run: () => actOnJob(id, action),
    // The page shows the new state by itself.
    done: () => undefined,
    refused: refusals[action],
    ...(onDone === undefined ? {} : { onDone }),
  });
}
