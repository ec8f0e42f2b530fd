import type { Task, UpdateTaskLimits } from "@millrace/contracts";
import { Button, Modal, TextInput } from "@mantine/core";
import { useState } from "react";
import { updateTaskLimits } from "../monitor-requests.ts";
import classes from "../parts/confirm-dialog.module.css";
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
  return (
    <Modal
      opened
      onClose={onClose}
      title={`Limits of ${task.name}`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const changes = changedLimits(before, texts);
          if (typeof changes === "string") setProblem(changes);
          else if (Object.keys(changes).length === 0) onClose();
          else save.mutate(changes);
        }}
      >
        <div className={classes.text}>
          <p>
            Empty: what the program says. <code>none</code>: no limit. A rate is written like{" "}
            <code>10/m</code>.
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
        </div>
        <div className={classes.actions}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            Set limits
          </Button>
        </div>
      </form>
    </Modal>
  );
}
