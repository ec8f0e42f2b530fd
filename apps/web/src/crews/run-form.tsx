import type { CrewShape } from "@millrace/contracts";
import { Button, Textarea } from "@mantine/core";
import IconPlayerPlay from "@tabler/icons-react/dist/esm/icons/IconPlayerPlay.mjs";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { problemText } from "../api/problem.ts";
import { useSendOnce } from "../api/send-once.ts";
import { Notice } from "../feedback/notice.tsx";
import { JsonField } from "../jobs/json-field.tsx";
import { monitorRoot } from "../monitor/parts/monitor-keys.ts";
import { defaultWords, isJsonInput, readInputs } from "./crew-inputs.ts";
import type { CrewInput, TypedInputs } from "./crew-inputs.ts";
import classes from "./crew-page.module.css";
import { startCrewRun } from "./crew-requests.ts";

/** Asks for what a crew needs, runs it, and goes to the run. */
export function RunForm({ crew }: { crew: CrewShape }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [typed, setTyped] = useState<TypedInputs>({});
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const form = useRef<HTMLFormElement>(null);
  const startOnce = useSendOnce(startCrewRun);
  const start = useMutation({
    mutationFn: (inputs: Record<string, CrewInput["default"]>) => startOnce(crew.name, { inputs }),
    onSuccess: (run) => {
      void queries.invalidateQueries({ queryKey: monitorRoot });
      // Who has left meanwhile is not called back.
      if (form.current === null) return undefined;
      return navigate({ to: "/crews/runs/$id", params: { id: run.id } });
    },
  });
  // The first field that is wrong is the next to be filled in.
  useEffect(() => {
    if (Object.keys(errors).length > 0)
      form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [errors]);
  const submit = () => {
    const read = readInputs(crew.inputs, typed);
    setErrors("errors" in read ? read.errors : {});
    if ("inputs" in read) start.mutate(read.inputs);
  };
  return (
    <form
      ref={form}
      className={classes.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {crew.inputs.length === 0 ? <p className={classes.none}>It needs nothing to begin.</p> : null}
      {crew.inputs.map((input) => (
        <Field
          key={input.name}
          input={input}
          value={typed[input.name] ?? ""}
          error={errors[input.name]}
          onChange={(value) => setTyped((before) => ({ ...before, [input.name]: value }))}
        />
      ))}
      {start.isError ? <Notice tone="bad">{problemText(start.error)}</Notice> : null}
      <Button
        type="submit"
        className={classes.submit}
        leftSection={<IconPlayerPlay size={17} />}
        loading={start.isPending}
      >
        Run
      </Button>
    </form>
  );
}

function Field({
  input,
  value,
  error,
  onChange,
}: {
  input: CrewInput;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}) {
  const description = defaultWords(input);
  if (isJsonInput(input)) {
    return (
      <JsonField
        label={input.name}
        note={description}
        rows={2}
        value={value}
        onChange={onChange}
        error={error}
      />
    );
  }
  return (
    <Textarea
      label={input.name}
      description={description}
      rows={2}
      resize="vertical"
      required={input.required}
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
