import { useAnnouncedPage, usePageTitle } from "../../app/page-title.ts";

export function WorkersPage() {
  usePageTitle("Workers");
  useAnnouncedPage("Workers");
  return <h1>Workers</h1>;
}
