import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";

export function SchedulesPage() {
  usePageTitle("Schedules");
  useAnnouncedPage("Schedules");
  return <h1>Schedules</h1>;
}
