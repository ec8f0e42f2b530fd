import type { Task } from "@millrace/contracts";
import { Button, Modal, NativeSelect, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useSendOnce } from "../api/send-once.ts";
import { Notice } from "../feedback/notice.tsx";
import { showDone } from "../feedback/toasts.ts";
import { fetchTasks } from "../monitor/monitor-requests.ts";
import { monitorRoot } from "../monitor/parts/monitor-keys.ts";
import { Answered } from "../parts/states.tsx";
import { useMonitorQuery } from "../monitor/parts/use-monitor-query.ts";
import { inputTemplate } from "./input-template.ts";
import { enqueueTask } from "./job-requests.ts";
import { errorsByField, readJson } from "./json-input.ts";
import { jsonText } from "./json-shape.ts";
import { JsonField } from "./json-field.tsx";
import { JsonTree } from "./json-tree.tsx";
import classes from "./run-task-dialog.module.css";

export type RunTaskDialogProps = {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** The task chosen at first. Default: none. */
  readonly task?: string | undefined;
  /** The input at first. Default: what the task's schema asks for, empty. */
  readonly input?: unknown;
};

/** Puts a job of any task in line by hand, with an input written as JSON. */
export function RunTaskDialog(props: RunTaskDialogProps) {
  return (
    <Modal
      opened={props.isOpen}
      onClose={props.onClose}
      title="Run a task"
      size="lg"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <TaskChoice {...props} />
    </Modal>
  );
}

function TaskChoice(props: RunTaskDialogProps) {
  const tasks = useMonitorQuery(["tasks"], fetchTasks);
  return (
    <Answered what="The tasks" query={tasks}>
      {({ data }) =>
        data.length === 0 ? (
          <Notice tone="plain">This installation knows no task.</Notice>
        ) : (
          <RunTaskForm tasks={newestOfEach(data)} {...props} />
        )
      }
    </Answered>
  );
}

const fields = ["input", "priority", "delay_ms"] as const;

function RunTaskForm({ tasks, task, input, onClose }: RunTaskDialogProps & { tasks: readonly Task[] }) {
  const [name, setName] = useState(task ?? "");
  const chosen = tasks.find((candidate) => candidate.name === name);
  const [text, setText] = useState(() => (input === undefined ? templateText(chosen) : jsonText(input)));
  const [typingError, setTypingError] = useState<string | undefined>();
  const [priority, setPriority] = useState("");
  const [delaySeconds, setDelaySeconds] = useState("");
  const queries = useQueryClient();
  const navigate = useNavigate();
  const enqueueOnce = useSendOnce(enqueueTask);
  const enqueue = useMutation({
    mutationFn: (value: unknown) =>
      enqueueOnce(name, {
        input: value,
        options: {
          ...(priority === "" ? {} : { priority: Number(priority) }),
          ...(delaySeconds === "" ? {} : { delay_ms: Number(delaySeconds) * 1000 }),
        },
      }),
    onSuccess: async (job) => {
      showDone(`${name} is in line`);
      onClose();
      void queries.invalidateQueries({ queryKey: monitorRoot });
      await navigate({ to: "/monitor/jobs/$id", params: { id: job.id } });
    },
  });
  const refused = enqueue.isError ? errorsByField(enqueue.error, fields) : undefined;

  const submit = () => {
    const read = readJson(text);
    setTypingError("error" in read ? read.error : undefined);
    if ("value" in read) enqueue.mutate(read.value);
  };
  const choose = (next: string) => {
    // What somebody has written stays; what was only proposed is proposed anew.
    if (text === "" || text === templateText(chosen)) {
      setText(templateText(tasks.find((candidate) => candidate.name === next)));
    }
    setName(next);
    enqueue.reset();
  };
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <NativeSelect
        label="Task"
        required
        withAsterisk={false}
        data={[{ value: "", label: "Choose a task", disabled: true }, ...tasks.map((known) => known.name)]}
        value={name}
        onChange={(event) => choose(event.currentTarget.value)}
        description={chosen?.description ?? undefined}
        error={
          name !== "" && chosen === undefined ? "This installation no longer knows this task." : undefined
        }
      />
      <JsonField
        rows={8}
        value={text}
        onChange={(value) => {
          setText(value);
          setTypingError(undefined);
        }}
        error={typingError ?? refused?.fields.input}
      />
      {chosen?.input === undefined || chosen.input === null ? null : (
        <details className={classes.schema}>
          <summary>What the task asks for</summary>
          <div className={classes.schemaBox}>
            <JsonTree value={chosen.input} />
          </div>
        </details>
      )}
      <div className={classes.options}>
        <NativeSelect
          label="Priority"
          data={[
            {
              value: "",
              label: chosen === undefined ? "The task's own" : `The task's own (${chosen.priority})`,
            },
            ...[9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((level) => ({
              value: String(level),
              label: level === 9 ? "9, first" : level === 0 ? "0, last" : String(level),
            })),
          ]}
          value={priority}
          onChange={(event) => setPriority(event.currentTarget.value)}
          error={refused?.fields.priority}
        />
        <TextInput
          label="Start in seconds"
          type="number"
          min={0}
          max={31_536_000}
          placeholder="At once"
          value={delaySeconds}
          onChange={(event) => setDelaySeconds(event.currentTarget.value)}
          error={refused?.fields.delay_ms}
        />
      </div>
      {refused?.rest === undefined ? null : <Notice tone="bad">{refused.rest}</Notice>}
      <div className={classes.actions}>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={enqueue.isPending} disabled={chosen === undefined}>
          Run
        </Button>
      </div>
    </form>
  );
}

function templateText(task: Task | undefined): string {
  return task === undefined ? "" : jsonText(inputTemplate(task.input));
}

/** Several versions of a task may be known: by hand one runs the newest. */
function newestOfEach(tasks: readonly Task[]): readonly Task[] {
  const newest = new Map<string, Task>();
  for (const task of tasks) {
    if ((newest.get(task.name)?.version ?? 0) < task.version) newest.set(task.name, task);
  }
  return [...newest.values()].toSorted((first, second) => first.name.localeCompare(second.name));
}
