import { useAnnouncedPage, usePageTitle } from "../../app/page-title.ts";

export function FailuresPage() {
  usePageTitle("Failures");
  useAnnouncedPage("Failures");
  return <h1>Failures</h1>;
}
