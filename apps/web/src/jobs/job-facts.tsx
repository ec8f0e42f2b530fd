import type { ReactNode } from "react";
import { CopyButton } from "../feedback/copy.tsx";
import classes from "./job-facts.module.css";

/** Names and what they stand for, one below the other. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className={classes.facts}>{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A fact that one copies: an id of any kind. */
export function CodeFact({ name, code }: { name: string; code: string }) {
  return (
    <Fact name={name}>
      <span className={classes.copied}>
        <code className={classes.code}>{code}</code>
        <CopyButton text={code} label={`Copy ${name.toLowerCase()}`} />
      </span>
    </Fact>
  );
}
