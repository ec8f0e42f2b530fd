import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";

export function WorkflowPage() {
  usePageTitle("Workflow");
  useAnnouncedPage("Workflow");
  return <h1>Workflow</h1>;
}
