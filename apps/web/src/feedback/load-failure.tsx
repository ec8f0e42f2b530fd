import { Button } from "@mantine/core";
import IconPlugConnectedX from "@tabler/icons-react/dist/esm/icons/IconPlugConnectedX.mjs";
import { isApiProblem, problemText } from "../api/problem.ts";
import { EmptyState } from "./empty-state.tsx";

/** Something could not be loaded: why, its request id, and the button to try again. */
export function LoadFailure({
  what,
  error,
  onRetry,
  isPage = false,
}: {
  what: string;
  error: unknown;
  onRetry: () => void;
  /** Default false. */
  isPage?: boolean;
}) {
  const requestId = isApiProblem(error) ? error.requestId : undefined;
  return (
    <EmptyState
      isPage={isPage}
      icon={<IconPlugConnectedX size={26} />}
      title={`${what} could not be loaded`}
      action={<Button onClick={onRetry}>Try again</Button>}
    >
      {problemText(error)}
      {requestId === undefined ? "" : ` Request ${requestId}.`}
    </EmptyState>
  );
}
