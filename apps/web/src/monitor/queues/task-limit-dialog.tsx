import type { Task, UpdateTaskLimits } from "@millrace/contracts";
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { updateTaskLimits } from "../monitor-requests.ts";
import classes from "../../parts/confirm-dialog.module.css";
import { FormDialog } from "../../parts/form-dialog.tsx";
import { useMonitorAction } from "../parts/use-monitor-action.ts";
import { changedLimits, limitFields, textsOf } from "./task-limit-fields.ts";

/** Sets what holds a task back, in place of what the program says. */
export function TaskLimitDialog({ task, onClose }: { task: Task; onClose: () => void }) {
  const [before] = useState(() => textsOf(task));
  const [texts, setTexts] = useState(before);
  const [problem, setProblem] = useState<string>();
  const save = useMonitorAction({
    run: (changes: UpdateTaskLimits) => updateTaskLimits(task.name, changes),
    done: () => `Limits of ${task.name} set`,
    refused: "Limits not set",
    onDone: onClose,
  });
  const submit = () => {
    const changes = changedLimits(before, texts);
    if (typeof changes === "string") setProblem(changes);
    else if (Object.keys(changes).length === 0) onClose();
    else save.mutate(changes);
  };
  return (
    <FormDialog
      title={`Limits of ${task.name}`}
      submitLabel="Set limits"
      isPending={save.isPending}
      onSubmit={submit}
      onClose={onClose}
    >
      <p>
        Empty: what the program says. <code>none</code>: no limit. A rate is written like <code>10/m</code>.
      </p>
      {limitFields.map(({ name, label, placeholder }) => (
        <TextInput
          key={name}
          label={label}
          placeholder={placeholder(task.declared_limits[name])}
          value={texts[name]}
          onChange={(event) => {
            const { value } = event.currentTarget;
            setProblem(undefined);
            setTexts((current) => ({ ...current, [name]: value }));
          }}
        />
      ))}
      {problem === undefined ? null : (
        <p className={classes.problem} role="alert">
          {problem}
        </p>
      )}
    </FormDialog>
  );
}
