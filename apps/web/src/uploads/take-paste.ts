import { isTyping } from "../app/shortcuts.ts";

/**
 * The files that a paste brings. Spreadsheets and word processors put a picture of the text beside the text: then the
 * text is meant. File managers put the names of the files there: then the files are.
 */
function filesOf(clipboard: DataTransfer | null): readonly File[] {
  const files = [...(clipboard?.files ?? [])];
  const lines = (clipboard?.getData("text/plain") ?? "").split("\n").map((line) => line.trim());
  const isText = lines.some((line) => line !== "" && !files.some(({ name }) => line.endsWith(name)));
  return isText ? [] : files;
}

/** Adds the files of a paste. Who is writing something stays where they are: `onTakenAside` instead of `onTaken`. */
export function takePaste(
  { target, clipboardData }: Pick<ClipboardEvent, "target" | "clipboardData">,
  uses: {
    readonly add: (files: readonly File[]) => void;
    readonly onTaken: () => void;
    readonly onTakenAside: (files: readonly File[]) => void;
  },
): void {
  const files = filesOf(clipboardData);
  if (files.length === 0) return;
  // Before the files are looked at: the page that opens says what is wrong with one.
  if (isTyping(target)) uses.onTakenAside(files);
  else uses.onTaken();
  uses.add(files);
}
