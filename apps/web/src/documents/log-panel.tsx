import type { Document } from "@millrace/contracts";
import { LogBox } from "../logs/log-box.tsx";
import { isSettled } from "./statuses.ts";
import { useLogLines } from "./use-log-lines.ts";

/** The whole log of a document, growing while work goes on. */
export function LogPanel({ document }: { document: Document }) {
  const { stored, lines } = useLogLines(document.id);
  return (
    <LogBox
      stored={stored}
      lines={lines}
      none={
        isSettled(document)
          ? "There are no log lines. They are kept for seven days."
          : "Nothing has happened yet. Lines appear here as the work goes on."
      }
    />
  );
}
