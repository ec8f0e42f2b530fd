import { Button } from "@mantine/core";
import IconAlertTriangle from "@tabler/icons-react/dist/esm/icons/IconAlertTriangle.mjs";
import { useRouter } from "@tanstack/react-router";
import { isApiProblem } from "../api/problem.ts";
import { copyText } from "../feedback/copy.tsx";
import { EmptyState } from "../feedback/empty-state.tsx";
import { usePageTitle } from "./page-title.ts";

/** A page that broke: what happened, and the ways on. */
export function ErrorPage({ error, reset }: { error: unknown; reset?: () => void }) {
  usePageTitle("Something broke");
  const router = useRouter();
  const message = error instanceof Error ? error.message : String(error);
  const reference =
    isApiProblem(error) && error.requestId !== undefined ? ` Request ${error.requestId}.` : "";
  return (
    <EmptyState
      isPage
      icon={<IconAlertTriangle size={26} />}
      title="This page can't be shown"
      action={
        <>
          <Button
            onClick={() => {
              reset?.();
              void router.invalidate();
            }}
          >
            Try again
          </Button>
          <Button variant="default" onClick={() => void copyText(details(message, reference, error))}>
            Copy details
          </Button>
        </>
      }
    >
      {message}
      {reference} Your documents are safe: they are on the server.
    </EmptyState>
  );
}

function details(message: string, reference: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return [`${message}${reference}`, location.href, navigator.userAgent, stack].join("\n");
}
