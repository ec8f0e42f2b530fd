import type { Document } from "@millrace/contracts";
import classes from "./label-line.module.css";

/** Collections and tags of a document in a list; nothing where it has none. */
export function LabelLine({ document: { tags, collections } }: { document: Document }) {
  if (tags.length + collections.length === 0) return null;
  return (
    <ul className={classes.line} aria-label="Collections and tags">
      {collections.map(({ id, name }) => (
        <li key={id} data-kind="collection">
          {name}
        </li>
      ))}
      {tags.map((tag) => (
        <li key={`tag ${tag}`}>{tag}</li>
      ))}
    </ul>
  );
}
