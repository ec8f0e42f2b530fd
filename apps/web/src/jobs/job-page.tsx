import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";

export function JobPage() {
  usePageTitle("Job");
  useAnnouncedPage("Job");
  return <h1>Job</h1>;
}
