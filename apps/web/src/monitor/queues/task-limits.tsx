import type { Task } from "@millrace/contracts";
import { ActionIcon } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import IconAdjustments from "@tabler/icons-react/dist/esm/icons/IconAdjustments.mjs";
import { useState } from "react";
import { fetchTasks } from "../monitor-requests.ts";
import { DataTable } from "../../parts/data-table.tsx";
import type { Column } from "../../parts/data-table.tsx";
import { useMonitorQuery } from "../parts/use-monitor-query.ts";
import { TaskLimitDialog } from "./task-limit-dialog.tsx";
import classes from "./task-limits.module.css";

type LimitName = keyof Task["limits"];

/** What holds each task back over all workers, whichever queue it is in. */
export function TaskLimits() {
  const query = useMonitorQuery(["tasks"], fetchTasks, { isCostly: true });
  const [open, setOpen] = useState<string>();
  const tasks = newestOfEach(query.data?.data ?? []);
  const opened = tasks.find(({ name }) => name === open);
  if (tasks.length === 0) return null;

  return (
    <section className={classes.root} aria-labelledby="task-limits">
      <h2 id="task-limits" className={classes.title}>
        Limits per task
      </h2>
      <p className={classes.note}>They hold over all workers and all queues, from the next start on.</p>
      <DataTable
        label="Limits per task"
        columns={columnsFor(setOpen)}
        rows={tasks}
        keyOf={({ name }) => name}
      />
      {opened === undefined ? null : <TaskLimitDialog task={opened} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

function columnsFor(onOpen: (task: string) => void): readonly Column<Task>[] {
  return [
    { key: "name", header: "Task", cell: (task) => <Name task={task} /> },
    { key: "queue", header: "Queue", width: "150px", cell: (task) => task.queue },
    limit("rate_limit", "Rate"),
    limit("concurrency", "At once"),
    limit("key_rate_limit", "Rate per key"),
    limit("key_concurrency", "At once per key"),
    {
      key: "actions",
      header: "Actions",
      kind: "actions",
      width: "56px",
      cell: (task) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={`Set limits of ${task.name}`}
          title="Set limits"
          onClick={() => onOpen(task.name)}
        >
          <IconAdjustments size={18} />
        </ActionIcon>
      ),
    },
  ];
}

function limit(name: LimitName, header: string): Column<Task> {
  return {
    key: name,
    header,
    kind: "number",
    width: "112px",
    cell: (task) => <Limit task={task} name={name} />,
  };
}

function Limit({ task, name }: { task: Task; name: LimitName }) {
  const value = limitText(task.limits[name]);
  if (!task.live_limits.includes(name)) return value ?? <span className={classes.none}>—</span>;
  const declared = limitText(task.declared_limits[name]) ?? "no limit";
  return (
    <span title={`Set while it runs. The program says: ${declared}`} className={classes.live}>
      {value ?? "No limit"}
      <span className={classes.mark}>set live</span>
    </span>
  );
}

function Name({ task }: { task: Task }) {
  return (
    <>
      <Link to="/monitor/jobs" search={{ task: task.name }} className={classes.name}>
        {task.name}
      </Link>
      {task.description === null ? null : <span className={classes.description}>{task.description}</span>}
    </>
  );
}

function limitText(value: Task["limits"][LimitName]): string | undefined {
  if (value === null) return undefined;
  return typeof value === "number" ? String(value) : value.limit;
}

/** Limits hold for a task in all its versions. */
function newestOfEach(tasks: readonly Task[]): Task[] {
  const newest = new Map<string, Task>();
  for (const task of tasks) {
    if (task.version > (newest.get(task.name)?.version ?? 0)) newest.set(task.name, task);
  }
  return [...newest.values()].toSorted((one, other) => one.name.localeCompare(other.name));
}
