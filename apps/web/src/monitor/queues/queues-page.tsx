import { useAnnouncedPage, usePageTitle } from "../../app/page-title.ts";

export function QueuesPage() {
  usePageTitle("Queues");
  useAnnouncedPage("Queues");
  return <h1>Queues</h1>;
}
