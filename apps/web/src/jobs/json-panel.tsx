import { useMemo } from "react";
import { CopyButton } from "../feedback/copy.tsx";
import { formatBytes } from "../formatting/numbers.ts";
import { isEmptyJson, jsonText } from "./json-shape.ts";
import { JsonTree } from "./json-tree.tsx";
import { Panel } from "./panel.tsx";
import classes from "./json-panel.module.css";

/** A JSON value under its heading, to read and to copy. */
export function JsonPanel({ title, value, none }: { title: string; value: unknown; none: string }) {
  // Up to a megabyte, and the page around it is drawn anew with every event.
  const text = useMemo(() => jsonText(value), [value]);
  const bytes = useMemo(() => new Blob([text]).size, [text]);
  if (isEmptyJson(value)) {
    return (
      <Panel title={title}>
        <p className={classes.none}>{none}</p>
      </Panel>
    );
  }
  return (
    <Panel
      title={title}
      aside={
        <>
          <span>{formatBytes(bytes)}</span>
          <CopyButton text={text} label={`Copy the ${title.toLowerCase()}`} />
        </>
      }
    >
      <JsonTree value={value} />
    </Panel>
  );
}
