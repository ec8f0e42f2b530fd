import { notifications } from "@mantine/notifications";
import { isApiProblem, problemText } from "../api/problem.ts";

/** Something the reader asked for was done. */
export function showDone(message: string): void {
  notifications.show({ message, color: "green", autoClose: 4000 });
}

/** Something the reader asked for was refused or failed; stays until it is closed or 12 s are over. */
export function showProblem(title: string, thrown: unknown): void {
  const reference =
    isApiProblem(thrown) && thrown.requestId !== undefined ? ` (request ${thrown.requestId})` : "";
  notifications.show({ ...problemNotice, title, message: `${problemText(thrown)}${reference}` });
}

/** The same for what comes in numbers: while one of this id is open, the next takes its place. */
export function showGatheredProblem(notice: {
  readonly id: string;
  readonly title: string;
  readonly message: string;
  /** Called when it was closed or its time was over. */
  readonly onClose: () => void;
}): void {
  // Of these two each leaves to the other what is not its own: one that is open, and one that is not.
  notifications.update({ ...problemNotice, ...notice });
  notifications.show({ ...problemNotice, ...notice });
}

const problemNotice = { color: "red", autoClose: 12_000 };
