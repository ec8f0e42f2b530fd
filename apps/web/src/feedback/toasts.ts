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
  notifications.show({
    title,
    message: `${problemText(thrown)}${reference}`,
    color: "red",
    autoClose: 12_000,
  });
}
