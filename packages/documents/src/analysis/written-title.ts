/**
 * The title for models to read: null for one that is only the name of the file, which says nothing of the text and
 * would become part of what is said of it.
 */
export function writtenTitle({
  title,
  file_name: fileName,
}: {
  readonly title: string;
  readonly file_name: string | null;
}): string | null {
  if (fileName === null) return title;
  const stem = fileName.replace(/\.[^.]*$/, "");
  return fileName.startsWith(title) || title === stem ? null : title;
}
