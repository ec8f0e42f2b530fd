import type { WaitingFor } from "@millrace/contracts";
import { Button, Textarea, TextInput } from "@mantine/core";
import IconMessageQuestion from "@tabler/icons-react/dist/esm/icons/IconMessageQuestion.mjs";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import type { ReactNode } from "react";
import { Notice } from "../feedback/notice.tsx";
import { showDone } from "../feedback/toasts.ts";
import { Moment } from "../formatting/moment.tsx";
import { monitorRoot } from "../monitor/parts/monitor-keys.ts";
import classes from "./answer-form.module.css";
import { answerKind } from "./answer-kind.ts";
import type { AnswerKind, Choice } from "./answer-kind.ts";
import { inputTemplate } from "./input-template.ts";
import { errorsByField, readJson } from "./json-input.ts";
import { jsonText } from "./json-shape.ts";
import { JsonField } from "./json-field.tsx";

/** How it is called when a person judges an output: as it is, or what has to change. */
export type Review = { readonly field: string; readonly accept: string; readonly change: string };

type AnswerFormProps = {
  readonly asked: WaitingFor;
  readonly send: (answer: unknown) => Promise<unknown>;
  /** For a question whose empty text says that all is well: then that has its own button. */
  readonly review?: Review;
};

/** What a job that waits asks, with the means to answer. The children are what the question is about. */
export function AnswerForm({
  asked,
  children,
  ...form
}: AnswerFormProps & { readonly children?: ReactNode }) {
  return (
    <Notice tone="accent" icon={<IconMessageQuestion size={18} />} title="It waits for an answer">
      <p className={classes.question}>{asked.question}</p>
      {children}
      {asked.problem === null ? null : (
        <p className={classes.problem}>The last answer was not taken: {asked.problem}</p>
      )}
      {/* Asked anew, it is another form. */}
      <Form key={`${asked.key} ${asked.since}`} asked={asked} {...form} />
      <p className={classes.times}>
        Asked <Moment value={asked.since} />.{" "}
        {asked.expires_at === null ? null : (
          <>
            Its time is over <Moment value={asked.expires_at} withAbsolute />.{" "}
          </>
        )}
        It keeps no worker busy meanwhile.
      </p>
    </Notice>
  );
}

function Form({ asked, send, review }: AnswerFormProps) {
  const kind = answerKind(asked.schema);
  const [typed, setTyped] = useState(() =>
    kind.kind === "json" ? jsonText(inputTemplate(asked.schema)) : "",
  );
  const [chosen, setChosen] = useState<Choice | undefined>();
  const [typingError, setTypingError] = useState<string | undefined>();
  const queries = useQueryClient();
  const answer = useMutation<unknown, Error, unknown>({
    mutationFn: send,
    onSuccess: () => showDone("Answered"),
    // Also after a refusal: somebody else may have answered.
    onSettled: () => queries.invalidateQueries({ queryKey: monitorRoot }),
  });
  const refused = answer.isError ? errorsByField(answer.error, ["answer"]) : undefined;
  const submit = () => {
    const read = readAnswer(kind, typed, chosen);
    setTypingError("error" in read ? read.error : undefined);
    if ("value" in read) answer.mutate(read.value);
  };
  const type = (value: string) => {
    setTyped(value);
    setTypingError(undefined);
  };
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {kind.kind === "choices" ? (
        <Choices choices={kind.choices} chosen={chosen} onChoose={setChosen} />
      ) : (
        <Field
          kind={kind.kind}
          label={review?.field ?? "Answer"}
          value={typed}
          onChange={type}
          error={typingError ?? refused?.fields.answer}
        />
      )}
      {kind.kind === "choices" && refused?.fields.answer !== undefined ? (
        <Notice tone="bad">{refused.fields.answer}</Notice>
      ) : null}
      {refused?.rest === undefined ? null : <Notice tone="bad">{refused.rest}</Notice>}
      <div className={classes.submit}>
        {review === undefined ? null : (
          <Button loading={answer.isPending} onClick={() => answer.mutate("")}>
            {review.accept}
          </Button>
        )}
        <Button
          type="submit"
          loading={answer.isPending}
          disabled={
            (kind.kind === "choices" && chosen === undefined) || (review !== undefined && typed.trim() === "")
          }
          {...(review === undefined ? {} : { variant: "default" })}
        >
          {review?.change ?? "Answer"}
        </Button>
      </div>
    </form>
  );
}

function Field({
  kind,
  label,
  value,
  onChange,
  error,
}: {
  kind: Exclude<AnswerKind["kind"], "choices">;
  label: string;
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
}) {
  if (kind === "json") {
    return <JsonField label={label} rows={6} value={value} onChange={onChange} error={error} />;
  }
  if (kind === "number") {
    return (
      <TextInput
        label={label}
        inputMode="decimal"
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={error}
      />
    );
  }
  return (
    <Textarea
      label={label}
      rows={3}
      resize="vertical"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
    />
  );
}

function Choices({
  choices,
  chosen,
  onChoose,
}: {
  choices: readonly Choice[];
  chosen: Choice | undefined;
  onChoose: (choice: Choice) => void;
}) {
  const name = useId();
  return (
    <fieldset className={classes.choices}>
      <legend className={classes.legend}>Answer</legend>
      {choices.map((choice) => (
        <label key={String(choice.value)} className={classes.choice}>
          <input
            type="radio"
            name={name}
            checked={chosen?.value === choice.value}
            onChange={() => onChoose(choice)}
          />
          {choice.label}
        </label>
      ))}
    </fieldset>
  );
}

function readAnswer(
  { kind }: AnswerKind,
  typed: string,
  chosen: Choice | undefined,
): { readonly value: unknown } | { readonly error: string } {
  switch (kind) {
    case "choices":
      return chosen === undefined ? { error: "Choose one." } : { value: chosen.value };
    case "text":
      return { value: typed };
    case "number":
      return typed.trim() === "" || Number.isNaN(Number(typed))
        ? { error: "This is not a number." }
        : { value: Number(typed) };
    case "json":
      return readJson(typed);
  }
}
