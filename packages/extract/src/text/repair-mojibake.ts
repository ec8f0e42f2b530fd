/** Bytes 0x80 to 0x9F of Windows-1252; unassigned ones map to the control character of that number. */
const windows1252 =
  "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D\u008F" +
  "\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D\u017E\u0178";

const suspiciousRun = new RegExp(`[\u00A0-\u00FF${windows1252}]+`, "g");

/** One or two wrong-looking sequences may be meant; a document about encodings exists. */
const minRepairs = 3;

/** Correctly decoded text has accented letters that do not form UTF-8; then nothing is repaired. */
const minShare = 0.9;

/**
 * Repairs UTF-8 text that was once read as Windows-1252 and saved again ("Ã©" for "é"). Returns
 * undefined unless nearly all non-ASCII runs decode as UTF-8, so proper text is never touched.
 */
export function repairMojibake(text: string): { readonly text: string; readonly count: number } | undefined {
  // Every mojibake sequence begins with one of these; the check spares the rest of the work.
  if (!/[\u00C2-\u00F4]/.test(text)) return undefined;
  let runs = 0;
  let repairs = 0;
  const repaired = text.replace(suspiciousRun, (run) => {
    runs += 1;
    const decoded = decodeRun(run);
    if (decoded === undefined) return run;
    repairs += 1;
    return decoded;
  });
  if (repairs < minRepairs || repairs < runs * minShare) return undefined;
  return { text: repaired, count: repairs };
}

function decodeRun(run: string): string | undefined {
  const bytes = new Uint8Array(run.length);
  for (let index = 0; index < run.length; index += 1) {
    const unit = run.charCodeAt(index);
    const special = windows1252.indexOf(run.charAt(index));
    bytes[index] = special >= 0 ? 0x80 + special : unit;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Not UTF-8: the run is what its author wrote.
    return undefined;
  }
}
