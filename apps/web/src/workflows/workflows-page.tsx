import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";

export function WorkflowsPage() {
  usePageTitle("Workflows");
  useAnnouncedPage("Workflows");
  return <h1>Workflows</h1>;
}
