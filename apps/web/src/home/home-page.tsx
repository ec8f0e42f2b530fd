import { PageHeading } from "../parts/page-heading.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { UploadList } from "../uploads/upload-list.tsx";
import { AddFilesCard } from "./add-files-card.tsx";
import classes from "./home-page.module.css";
import { ModelCard } from "./model-card.tsx";
import { PasteCard } from "./paste-card.tsx";
import { RecentDocuments } from "./recent-documents.tsx";

/** Where documents come in, and where one sees what happens to them. */
export function HomePage() {
  usePageTitle("");
  useAnnouncedPage("Home");
  return (
    <div className={classes.page}>
      <PageHeading>Add documents</PageHeading>
      <div className={classes.inputs}>
        <AddFilesCard />
        <PasteCard />
      </div>
      <UploadList />
      <ModelCard />
      <RecentDocuments />
    </div>
  );
}
