import type { Document } from "@millrace/contracts";
import classes from "./part-dots.module.css";
import { partLabels, partNames, partStateLabels } from "./parts.ts";

/** The four analyses of a document at a glance. */
export function PartDots({ parts }: { parts: Document["parts"] }) {
  const text = partNames.map((part) => `${partLabels[part]}: ${partStateLabels[parts[part]]}`).join(", ");
  return (
    <span className={classes.dots} role="img" aria-label={text} title={text.replaceAll(", ", "\n")}>
      {partNames.map((part) => (
        <span key={part} className={classes.dot} data-state={parts[part]} />
      ))}
    </span>
  );
}
