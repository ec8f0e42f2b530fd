import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";

export function JobsPage() {
  usePageTitle("Jobs");
  useAnnouncedPage("Jobs");
  return <h1>Jobs</h1>;
}
