import { Textarea } from "@mantine/core";
import classes from "./json-field.module.css";

/** The input of a task, written as JSON. */
export function JsonField({
  rows,
  value,
  error,
  onChange,
}: {
  rows: number;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}) {
  return (
    <Textarea
      label="Input"
      description="As JSON"
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
