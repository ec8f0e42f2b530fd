import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The text of a PDF by poppler's program; undefined where it is not installed or can't read the file in time. */
export async function readWithPdftotext(file: string): Promise<string | undefined> {
  try {
    // Bombs fill the machine otherwise: the program has no limits of its own.
    const limits = ["--as=1500000000", "--cpu=20", "--core=0"];
    const { stdout } = await run(
      "prlimit",
      [...limits, "pdftotext", "-enc", "UTF-8", "-l", "2000", file, "-"],
      {
        timeout: 30_000,
        maxBuffer: 256 * 1024 * 1024,
      },
    );
    return stdout;
  } catch {
    // Not installed, or a file that it can't read: there is nothing to compare with.
    return undefined;
  }
}
