/*
 * What one file may cost. Each number refuses a known attack or an accident long before the machine
 * suffers; a larger number risks memory, a smaller one refuses real documents.
 */

/** How much of a file is looked at to decide what it is. */
export const headBytes = 64 * 1024;

/** Text formats are held in memory as one string, up to three times over while being decoded. */
export const maxTextFileBytes = 128 * 1024 * 1024;

/** Above this the HTML tree costs more memory than the child has; the tag stripper takes over. */
export const maxHtmlTreeBytes = 10 * 1024 * 1024;

/** html-to-text recurses, and turns quadratic on deep nesting; real pages stay below 100. */
export const maxHtmlTreeDepth = 256;

/** What is read of a table: three bytes for each character that is kept. The rest is left out. */
export const maxTableFileBytes = 64 * 1024 * 1024;

/** Rows of real tables stay far below; without this a quote that is never closed makes the file one cell. */
export const maxTableRowCharacters = 1_000_000;

/** A message is held in memory with all that is attached to it, several times over while it is decoded. */
export const maxMailBytes = 50 * 1024 * 1024;

/** Attachments that are read of one upload, those of attached messages included. */
export const maxAttachments = 50;

/** Messages within messages within messages: people forward, only attackers go on. */
export const maxAttachmentDepth = 3;

/** Scans of one page have some 10 MB; without compression 50 MB. */
export const maxImageBytes = 100 * 1024 * 1024;

/** The largest photos have 48 million; decoded, each takes up to four bytes, several times over. */
export const maxImagePixels = 50_000_000;

/** Pages of one TIFF that are looked at. */
export const maxImagePages = 500;

/** A page of a PDF drawn for recognition: A3 at 200 dots per inch has 8 million; larger ones are drawn smaller. */
export const maxRenderedPixels = 16_000_000;

/** Longer text is cut, with a warning: about 8,000 pages, and near what a database row should hold. */
export const maxTextCharacters = 20_000_000;

/** The page count of a PDF is chosen by whoever wrote it; pages beyond are left out, with a warning. */
export const maxPdfPages = 2_000;

/** A page of small print has about 10,000 characters; far more is a page made to fill memory. */
export const maxPdfPageCharacters = 2_000_000;

/** A page with fewer visible characters than this is most likely a picture that needs OCR. */
export const minPageCharacters = 20;

/** Word writes a few dozen entries; the limit refuses archives made to exhaust the directory reader. */
export const maxZipEntries = 10_000;

/** Declared and then enforced size of all parts together; pictures count, as they are in the archive. */
export const maxZipTotalBytes = 2 * 1024 * 1024 * 1024;

/** Declared and then enforced size of one XML part that is read. */
export const maxXmlPartBytes = 256 * 1024 * 1024;

/** mammoth builds a tree of about ten times the XML; above this the streaming walker reads it. */
export const maxXmlTreeBytes = 24 * 1024 * 1024;

/** SheetJS keeps the cells of so much XML in well below a gigabyte; above this the streaming walker reads it. */
export const maxSheetXmlBytes = 128 * 1024 * 1024;

/** A workbook is held in memory whole beside its cells. */
export const maxSheetFileBytes = 128 * 1024 * 1024;

/** Rows of one sheet; a sheet with more is read by the walker, if that finds more. */
export const maxSheetRows = 100_000;

/** Cells that repeat are written out up to here; spreadsheets say "a million times" of empty ones. */
export const maxTableCells = 1_000_000;

/** RTF grows by pictures written as digits, which are not read; a tree of more text costs too much memory. */
export const maxRtfBytes = 20 * 1024 * 1024;

/** Real documents nest below 100; the walker itself needs no stack, so this only refuses bombs. */
export const maxXmlDepth = 5_000;

/** Results above this size travel through a file: large messages block both processes. */
export const maxMessageCharacters = 1_000_000;

/** Progress messages from a child are at least this far apart. */
export const progressIntervalMs = 200;

/** How often a child's memory is read; `prlimit` covers what happens between two looks. */
export const memoryPollMs = 50;

/** How long a fresh child may take until it reports ready; generous for a starved machine. */
export const childStartTimeoutMs = 30_000;

/** A warm child that nobody used for this long ends, and its memory returns to the machine. */
export const idleChildMs = 60_000;

/** Requests that wait for a child; more means that the caller does not limit itself. */
export const maxWaitingRequests = 1_000;

/** With what a child ends that misses a part of the program: EX_TEMPFAIL of sysexits.h. */
export const programGoneExitCode = 75;
