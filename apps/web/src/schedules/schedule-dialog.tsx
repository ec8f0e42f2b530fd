import type { Schedule, Task } from "@millrace/contracts";
import { Button, Modal, NativeSelect, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { Notice } from "../feedback/notice.tsx";
import { showDone } from "../feedback/toasts.ts";
import { inputTemplate } from "../jobs/input-template.ts";
import { JsonField } from "../jobs/json-field.tsx";
import { errorsByField } from "../jobs/json-input.ts";
import { jsonText } from "../jobs/json-shape.ts";
import { fetchTasks } from "../monitor/monitor-requests.ts";
import { monitorRoot } from "../monitor/parts/monitor-keys.ts";
import { useMonitorQuery } from "../monitor/parts/use-monitor-query.ts";
import { MomentList } from "./moment-list.tsx";
import classes from "./schedule-dialog.module.css";
import { changesOf, emptyForm, formOf, hasTiming, requestOf, timingOf } from "./schedule-form.ts";
import type { ScheduleForm, ScheduleKind } from "./schedule-form.ts";
import { createSchedule, previewSchedule, updateSchedule } from "./schedule-requests.ts";

/** Makes a schedule, or changes one. While one writes, it shows when it would run. */
export function ScheduleDialog({
  schedule,
  onClose,
}: {
  /** The one to change. Default: a new one. */
  schedule?: Schedule | undefined;
  onClose: () => void;
}) {
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={schedule === undefined ? "New schedule" : `Edit “${schedule.name}”`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Form schedule={schedule} onClose={onClose} />
    </Modal>
  );
}

const fieldNames = [
  "name",
  "task",
  "input",
  "cron",
  "timezone",
  "every_seconds",
  "at",
  "start_at",
  "end_at",
  "queue",
  "priority",
  "tags",
  "expires_seconds",
  "jitter_seconds",
  "grace_seconds",
  "description",
] as const;
type FieldName = (typeof fieldNames)[number];
type Errors = Partial<Record<FieldName, string>>;

function Form({ schedule, onClose }: { schedule: Schedule | undefined; onClose: () => void }) {
  const queries = useQueryClient();
  // As it was then: what comes of it later is what others changed.
  const [opened] = useState<ScheduleForm>(() =>
    schedule === undefined ? emptyForm(ownTimezone()) : formOf(schedule),
  );
  const [form, setForm] = useState(opened);
  const [inputError, setInputError] = useState<string | undefined>();
  const tasks = useMonitorQuery(["tasks"], fetchTasks).data?.data;
  const change = (changes: Partial<ScheduleForm>) => setForm((before) => ({ ...before, ...changes }));
  const save = useMutation({
    mutationFn: (send: () => Promise<Schedule>) => send(),
    onSuccess: (saved) => {
      showDone(schedule === undefined ? `“${saved.name}” is scheduled` : `Saved “${saved.name}”`);
      onClose();
      void queries.invalidateQueries({ queryKey: monitorRoot });
    },
  });
  const preview = usePreview(form);
  const refused = save.isError ? errorsByField(save.error, fieldNames) : undefined;
  // The preview knows what is wrong with the timing before anything was sent.
  const timingErrors = preview.isError ? errorsByField(preview.error, fieldNames) : undefined;
  const errors: Errors = {
    ...timingErrors?.fields,
    ...refused?.fields,
    ...(inputError === undefined ? {} : { input: inputError }),
  };
  const submit = () => {
    const read = requestOf(form);
    setInputError("inputError" in read ? read.inputError : undefined);
    if ("inputError" in read) return;
    if (schedule === undefined) {
      save.mutate(() => createSchedule(read.request));
      return;
    }
    const changes = changesOf(opened, read.request);
    if (Object.keys(changes).length === 0) onClose();
    else save.mutate(() => updateSchedule(schedule.id, changes));
  };
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <TextInput
        label="Name"
        required
        withAsterisk={false}
        maxLength={120}
        value={form.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
        error={errors.name}
        data-autofocus
      />
      <WhatFields form={form} tasks={tasks} errors={errors} onChange={change} />
      <div className={classes.when}>
        <WhenFields form={form} errors={errors} onChange={change} />
        <div className={classes.preview} role="group" aria-label="When it would run">
          <h3 className={classes.previewTitle}>It would run</h3>
          {preview.data === undefined ? (
            <p className={classes.quiet}>
              {timingErrors === undefined ? "Say when." : (timingErrors.rest ?? "Mend what is marked.")}
            </p>
          ) : preview.data.next_runs.length === 0 ? (
            <p className={classes.quiet}>Never.</p>
          ) : (
            <MomentList moments={preview.data.next_runs} />
          )}
        </div>
      </div>
      <MoreFields form={form} errors={errors} onChange={change} />
      {refused?.rest === undefined ? null : <Notice tone="bad">{refused.rest}</Notice>}
      <div className={classes.actions}>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={save.isPending}>
          {schedule === undefined ? "Create" : "Save"}
        </Button>
      </div>
    </form>
  );
}

function usePreview(form: ScheduleForm) {
  const [timing] = useDebouncedValue(timingOf(form), 300);
  return useQuery({
    queryKey: ["schedule-preview", timing],
    queryFn: ({ signal }) => previewSchedule(timing, signal),
    enabled: hasTiming(form),
    retry: false,
    // Half a minute later the next ten are others.
    staleTime: 30_000,
  });
}

type FieldsProps = {
  readonly form: ScheduleForm;
  readonly errors: Errors;
  readonly onChange: (changes: Partial<ScheduleForm>) => void;
};

function WhatFields({ form, errors, onChange, tasks }: FieldsProps & { tasks: readonly Task[] | undefined }) {
  const names = new Set([...(tasks ?? []).map(({ name }) => name), ...(form.task === "" ? [] : [form.task])]);
  const choose = (task: string) => {
    const template = tasks?.findLast(({ name }) => name === task)?.input;
    // What somebody has written stays; an empty input is proposed anew.
    const isUntouched = form.input.trim() === "" || form.input === "{}";
    onChange({
      task,
      ...(isUntouched && template !== undefined ? { input: jsonText(inputTemplate(template)) } : {}),
    });
  };
  return (
    <>
      <NativeSelect
        label="Task"
        required
        withAsterisk={false}
        data={[
          { value: "", label: "Choose a task", disabled: true },
          ...[...names].toSorted((first, second) => first.localeCompare(second)),
        ]}
        value={form.task}
        onChange={(event) => choose(event.currentTarget.value)}
        error={errors.task}
      />
      <JsonField rows={4} value={form.input} onChange={(input) => onChange({ input })} error={errors.input} />
    </>
  );
}

const kindChoices = [
  { value: "cron", label: "By the clock (cron)" },
  { value: "interval", label: "Every so often" },
  { value: "once", label: "Once" },
] as const;

const unitChoices = [
  { value: "1", label: "seconds" },
  { value: "60", label: "minutes" },
  { value: "3600", label: "hours" },
  { value: "86400", label: "days" },
];

function WhenFields({ form, errors, onChange }: FieldsProps) {
  const zonesId = useId();
  return (
    <div className={classes.fields}>
      <NativeSelect
        label="When"
        data={[...kindChoices]}
        value={form.kind}
        onChange={(event) => onChange({ kind: readKind(event.currentTarget.value) })}
      />
      {form.kind === "cron" ? (
        <>
          <TextInput
            label="Cron expression"
            description="Minute, hour, day, month, weekday; or six fields with seconds first"
            classNames={{ input: classes.cron }}
            spellCheck={false}
            autoComplete="off"
            value={form.cron}
            onChange={(event) => onChange({ cron: event.currentTarget.value })}
            error={errors.cron}
          />
          <TextInput
            label="Time zone"
            list={zonesId}
            autoComplete="off"
            value={form.timezone}
            onChange={(event) => onChange({ timezone: event.currentTarget.value })}
            error={errors.timezone}
          />
          <datalist id={zonesId}>
            {timezones().map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
          </datalist>
        </>
      ) : null}
      {form.kind === "interval" ? (
        <div className={classes.pair}>
          <TextInput
            label="Every"
            type="number"
            min={0}
            step="any"
            value={form.everyCount}
            onChange={(event) => onChange({ everyCount: event.currentTarget.value })}
            error={errors.every_seconds}
          />
          <NativeSelect
            label="Unit"
            data={unitChoices}
            value={form.everyUnit}
            onChange={(event) => onChange({ everyUnit: event.currentTarget.value })}
          />
        </div>
      ) : null}
      {form.kind === "once" ? (
        <TextInput
          label="At"
          type="datetime-local"
          value={form.at}
          onChange={(event) => onChange({ at: event.currentTarget.value })}
          error={errors.at}
        />
      ) : null}
    </div>
  );
}

function MoreFields({ form, errors, onChange }: FieldsProps) {
  return (
    <details className={classes.details}>
      <summary>More settings</summary>
      <div className={classes.grid}>
        <TextInput
          label="Not before"
          type="datetime-local"
          value={form.startAt}
          onChange={(event) => onChange({ startAt: event.currentTarget.value })}
          error={errors.start_at}
        />
        <TextInput
          label="Not after"
          type="datetime-local"
          value={form.endAt}
          onChange={(event) => onChange({ endAt: event.currentTarget.value })}
          error={errors.end_at}
        />
        <NativeSelect
          label="Times that nobody was there for"
          data={[
            { value: "once", label: "Run the last one" },
            { value: "skip", label: "Leave out" },
            { value: "all", label: "Run all of them" },
          ]}
          value={form.misfire}
          onChange={(event) => onChange({ misfire: readMisfire(event.currentTarget.value) })}
        />
        {form.misfire === "skip" ? (
          <TextInput
            label="Left out when late by seconds"
            type="number"
            min={0}
            step="any"
            placeholder="60"
            value={form.graceSeconds}
            onChange={(event) => onChange({ graceSeconds: event.currentTarget.value })}
            error={errors.grace_seconds}
          />
        ) : null}
        <NativeSelect
          label="While the former one still runs"
          data={[
            { value: "allow", label: "Run beside it" },
            { value: "skip", label: "Leave out" },
          ]}
          value={form.overlap}
          onChange={(event) => onChange({ overlap: event.currentTarget.value === "skip" ? "skip" : "allow" })}
        />
        <TextInput
          label="Queue"
          placeholder="The task's own"
          value={form.queue}
          onChange={(event) => onChange({ queue: event.currentTarget.value })}
          error={errors.queue}
        />
        <TextInput
          label="Priority, 0 to 9"
          type="number"
          min={0}
          max={9}
          placeholder="The task's own"
          value={form.priority}
          onChange={(event) => onChange({ priority: event.currentTarget.value })}
          error={errors.priority}
        />
        <TextInput
          label="Up to so many seconds later"
          type="number"
          min={0}
          placeholder="Exactly on time"
          value={form.jitterSeconds}
          onChange={(event) => onChange({ jitterSeconds: event.currentTarget.value })}
          error={errors.jitter_seconds}
        />
        <TextInput
          label="Expires after seconds of waiting"
          type="number"
          min={1}
          placeholder="The task's own"
          value={form.expiresSeconds}
          onChange={(event) => onChange({ expiresSeconds: event.currentTarget.value })}
          error={errors.expires_seconds}
        />
        <TextInput
          label="Tags"
          placeholder="Separated by commas"
          value={form.tags}
          onChange={(event) => onChange({ tags: event.currentTarget.value })}
          error={errors.tags}
        />
        <TextInput
          label="Description"
          value={form.description}
          onChange={(event) => onChange({ description: event.currentTarget.value })}
          error={errors.description}
        />
      </div>
    </details>
  );
}

function readKind(value: string): ScheduleKind {
  return kindChoices.find((choice) => choice.value === value)?.value ?? "cron";
}

function readMisfire(value: string): Schedule["misfire"] {
  return value === "skip" || value === "all" ? value : "once";
}

function ownTimezone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

let knownTimezones: readonly string[] | undefined;

/** UTC is a zone too, though browsers leave it out of their list. */
function timezones(): readonly string[] {
  knownTimezones ??= [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])];
  return knownTimezones;
}
