import { Textarea } from "@mantine/core";
import classes from "./json-field.module.css";

/** What a task or a question is given, written as JSON. */
export function JsonField({
  label = "Input",
  note,
  rows,
  value,
  error,
  onChange,
}: {
  /** Default "Input". */
  label?: string;
  /** What else is to be known than that it is JSON. */
  note?: string | undefined;
  rows: number;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}) {
  return (
    <Textarea
      label={label}
      description={note === undefined ? "As JSON" : `As JSON. ${note}`}
      rows={rows}
      resize="vertical"
      spellCheck={false}
      classNames={{ input: classes.json, error: classes.error }}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
    />
  );
}
