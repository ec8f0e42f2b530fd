import { Button } from "@mantine/core";
import { useState } from "react";
import classes from "./long-text.module.css";

/** About what fits on a screen beside other things. */
const shortLength = 700;

/** Text as a model gave it: its beginning, and all of it on demand. */
export function LongText({ text, label }: { text: string; label: string }) {
  const [isOpen, setIsOpen] = useState(false);
  const isLong = text.length > shortLength;
  return (
    <>
      <p className={classes.text}>{isLong && !isOpen ? `${text.slice(0, shortLength)}…` : text}</p>
      {isLong ? (
        <Button
          size="compact-sm"
          variant="default"
          className={classes.more}
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          {isOpen ? `Show less of ${label}` : `Show all of ${label}`}
        </Button>
      ) : null}
    </>
  );
}
