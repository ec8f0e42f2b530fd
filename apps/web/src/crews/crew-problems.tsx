import type { CrewShape } from "@millrace/contracts";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import { keyed } from "../feedback/keyed.ts";
import { Notice } from "../feedback/notice.tsx";
import classes from "./crew-problems.module.css";

type Problem = CrewShape["warnings"][number];

/** Why a crew can't be used: what is wrong with its files, with file, line and key; at most so many of it. */
export function CrewProblems({
  crew: { error },
  atMost = Number.POSITIVE_INFINITY,
}: {
  crew: CrewShape;
  atMost?: number;
}) {
  if (error === null) return null;
  const left = error.problems.length - atMost;
  return (
    <Notice tone="bad" icon={<IconAlertTriangle size={18} />} title="This crew can’t be used">
      {error.problems.length === 0 ? (
        <p>{error.message}</p>
      ) : (
        <ProblemList problems={error.problems.slice(0, atMost)} />
      )}
      {left > 0 ? <p>and {left} more</p> : null}
    </Notice>
  );
}

/** What has no effect in a crew that can be used. */
export function CrewWarnings({ crew: { warnings } }: { crew: CrewShape }) {
  if (warnings.length === 0) return null;
  return (
    <Notice tone="warn" icon={<IconAlertTriangle size={18} />} title="Warnings">
      <ProblemList problems={warnings} />
    </Notice>
  );
}

function ProblemList({ problems }: { problems: readonly Problem[] }) {
  return (
    <ul className={classes.list}>
      {keyed(problems, ({ place, message }) => `${place} ${message}`).map(({ key, item }) => (
        <li key={key}>
          <code className={classes.place}>{item.place}</code> {item.message}
        </li>
      ))}
    </ul>
  );
}
