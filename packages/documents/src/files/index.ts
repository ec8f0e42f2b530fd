export { attachmentDisposition, displayFileName } from "./display-file-name.ts";
export { createFileStore } from "./file-store.ts";
export type { FileStore, StoredFile } from "./file-store.ts";
