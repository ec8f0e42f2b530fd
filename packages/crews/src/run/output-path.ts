import { crewErrors } from "../errors.ts";

/**
 * The path of an output file inside the folder of its run. A leading slash is dropped, as in CrewAI. Throws
 * `crew_output_file_invalid` for what could leave the folder or mean something to a shell.
 */
export function outputPath(path: string): string {
  if (!isSafePath(path)) throw crewErrors.outputFileInvalid(path);
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

export function isSafePath(path: string): boolean {
  if (path.length > 255 || /[\u0000-\u001f\u007f\\~$|<>&;:*?"'`{}]/.test(path)) return false;
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length > 0 && !parts.includes("..") && !path.endsWith("/");
}
