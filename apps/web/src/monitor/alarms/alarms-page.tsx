import { useAnnouncedPage, usePageTitle } from "../../app/page-title.ts";

export function AlarmsPage() {
  usePageTitle("Alarms");
  useAnnouncedPage("Alarms");
  return <h1>Alarms</h1>;
}
