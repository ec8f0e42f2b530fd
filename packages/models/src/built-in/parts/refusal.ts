import type { MillraceError } from "@millrace/kernel";
import { modelErrors } from "../../errors.ts";
import type { PreparedText } from "../reading/prepared-text.ts";

/** A text of up to this many characters without sentences is short; a longer one is something else than prose. */
export const shortTextCharacters = 300;

/** Why a part can't be made: there is too little text, or there is much of it and no sentence. */
export function refusalFor(text: PreparedText, part: string): MillraceError {
  return text.length <= shortTextCharacters ? modelErrors.textTooShort(part) : modelErrors.noProse();
}
