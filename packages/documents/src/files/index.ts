export { attachmentDisposition, displayFileName } from "./display-file-name.ts";
export { fileTooLarge } from "./errors.ts";
export { createFileStore } from "./file-store.ts";
export { servedMediaType } from "./media-type.ts";
export { chooseFile, knownFileKeys, removeUnusedFile } from "./shared-file.ts";
export type { FileStore, StoredFile } from "./file-store.ts";
