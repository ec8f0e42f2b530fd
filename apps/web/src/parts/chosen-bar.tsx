import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./chosen-bar.module.css";

/** Stays in sight at the foot of a list: what of it is chosen, and what can be done with that. */
export function ChosenBar({
  label,
  count,
  onClear,
  children,
}: {
  label: string;
  /** How much is chosen, in words; may offer to choose more. */
  count: ReactNode;
  onClear: () => void;
  /** The buttons. */
  children: ReactNode;
}) {
  return (
    <div className={classes.bar} role="group" aria-label={label}>
      <span className={classes.count}>{count}</span>
      <div className={classes.buttons}>
        {children}
        <Button size="compact-md" variant="subtle" color="gray" onClick={onClear}>
          Clear
        </Button>
      </div>
    </div>
  );
}
