import { useAnnouncedPage, usePageTitle } from "../../app/page-title.ts";

export function OverviewPage() {
  usePageTitle("Overview");
  useAnnouncedPage("Overview");
  return <h1>Overview</h1>;
}
