import classes from "./kbd.module.css";

/** A key to press; shown only where there is a keyboard. */
export function Kbd({ children }: { children: string }) {
  return (
    <kbd className={classes.key} aria-hidden="true">
      {children}
    </kbd>
  );
}
