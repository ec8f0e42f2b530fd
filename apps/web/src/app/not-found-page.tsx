import IconMapOff from "@tabler/icons-react/dist/esm/icons/IconMapOff.mjs";
import { EmptyState } from "../feedback/empty-state.tsx";
import { ButtonLink } from "../parts/button-link.tsx";
import { usePageTitle } from "./page-title.ts";

export function NotFoundPage() {
  usePageTitle("Not found");
  return (
    <EmptyState
      isPage
      icon={<IconMapOff size={26} />}
      title="There is no such page"
      action={
        <>
          <ButtonLink to="/">Go home</ButtonLink>
          <ButtonLink to="/documents" variant="default">
            See all documents
          </ButtonLink>
        </>
      }
    >
      The address may be mistyped, or what it named was deleted.
    </EmptyState>
  );
}
