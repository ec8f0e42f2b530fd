import type { Document } from "@millrace/contracts";
import { fileAddress } from "../../api/requests.ts";
import { PdfPane } from "./pdf-pane.tsx";
import { PicturePane } from "./picture-pane.tsx";

/** The file itself, beside its text. */
export function OriginalPane({
  document,
  page,
  onRead,
}: {
  document: Document;
  page: number | undefined;
  onRead: (page: number) => void;
}) {
  const address = fileAddress(document.id);
  return document.file_type === "pdf" ? (
    <PdfPane address={address} page={page} onRead={onRead} />
  ) : (
    <PicturePane address={address} name={document.file_name ?? document.title} />
  );
}
