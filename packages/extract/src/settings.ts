import { integerSetting } from "@millrace/kernel";
import type { SettingsSection } from "@millrace/kernel";
import { z } from "zod";

/** Whether and how text in pictures is recognised. */
export const ocrSettings = {
  title: "Text in pictures",
  schema: z.object({
    OCR: z
      .enum(["true", "false"])
      .default("true")
      .describe(
        "false: text in pictures and scans is not recognised. Pages without text are then named in a warning.",
      ),
    OCR_LANGUAGES: z
      .string()
      .regex(/^[a-z][a-z_]{1,30}(\+[a-z][a-z_]{1,30}){0,9}$/, "must be names such as eng or deu+eng")
      .default("eng")
      .describe(
        "Languages to recognise, as Tesseract names them: deu+eng. English comes along; others need the npm package @tesseract.js-data/NAME, OCR_DATA_DIR, or the system's tesseract-ocr-NAME.",
      ),
    OCR_DATA_DIR: z
      .string()
      .optional()
      .describe(
        "Folder with .traineddata or .traineddata.gz files of languages. Unset: those of npm packages.",
      ),
    OCR_ENGINE: z
      .enum(["auto", "builtin", "system"])
      .default("auto")
      .describe(
        "auto: the system's tesseract where it is installed with the languages, which is faster; else the built-in one.",
      ),
    OCR_MAX_PAGES: integerSetting({ min: 1, max: 2000, byDefault: 200 }).describe(
      "Pages of one document in which text is recognised; each takes some seconds. The rest is named in a warning.",
    ),
    OCR_CONCURRENCY: integerSetting({ min: 1, max: 64, byDefault: 1 }).describe(
      "Pages that one process recognises at the same time; each takes a core.",
    ),
  }),
} satisfies SettingsSection;

export type OcrSettings = Readonly<z.output<typeof ocrSettings.schema>>;

/** Whether files are scanned for viruses before they are read. */
export const virusSettings = {
  title: "Virus scanner",
  schema: z.object({
    CLAMAV_ADDRESS: z
      .string()
      .regex(/^(\/.+|[^\s/:]+:\d{1,5})$/, "must be a socket such as /run/clamav/clamd.ctl or HOST:PORT")
      .optional()
      .describe(
        "A ClamAV daemon that is asked before a file is read: HOST:PORT, or the path of its socket. Unset: files are not scanned.",
      ),
    CLAMAV_ON_FAILURE: z
      .enum(["refuse", "accept"])
      .default("refuse")
      .describe(
        "What becomes of a file that the daemon could not scan. refuse: it is tried again, and fails in the end. accept: it is read, with a warning.",
      ),
  }),
} satisfies SettingsSection;

export type VirusSettings = Readonly<z.output<typeof virusSettings.schema>>;
