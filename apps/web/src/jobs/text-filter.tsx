import { TextInput } from "@mantine/core";
import type { TextInputProps } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useState } from "react";

type TextFilterProps = Omit<TextInputProps, "value" | "onChange"> & {
  /** As it is in the address. */
  readonly value: string | undefined;
  readonly onChange: (value: string | undefined) => void;
  /** How a value is written in the box. Default: as it is. */
  readonly write?: (value: string) => string;
  /** What a written text stands for; undefined for nothing. Default: the text without spaces around it. */
  readonly read?: (text: string) => string | undefined;
};

/** A filter that is typed: the address follows when the typing rests. */
export function TextFilter({ value, onChange, write = same, read = textOf, ...props }: TextFilterProps) {
  const written = value === undefined ? "" : write(value);
  const [text, setText] = useState(written);
  // The address may change without this box: back, forward, "clear filters".
  const [shownFor, setShownFor] = useState(value);
  if (value !== shownFor) {
    setShownFor(value);
    if (read(text) !== value) setText(written);
  }
  const changeSoon = useDebouncedCallback((next: string) => onChange(read(next)), 300);
  return (
    <TextInput
      {...props}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        changeSoon(event.currentTarget.value);
      }}
    />
  );
}

export function textOf(value: string): string | undefined {
  return value.trim() === "" ? undefined : value.trim();
}

function same(value: string): string {
  return value;
}
