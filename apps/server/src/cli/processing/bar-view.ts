import { printableLine } from "../terminal/printable.ts";
import { columnsOfStream, createStyles } from "../terminal/style.ts";
import type { OutputStream, Styles } from "../terminal/style.ts";
import { columnsOf, fit, shorten } from "../terminal/width.ts";
import { overallText, ProgressSum } from "./progress-view.ts";
import type { FileProgress, ProgressView } from "./progress-view.ts";

/** Ten drawings a second look smooth; more would only cost time over slow connections. */
const drawEveryMs = 100;
const barColumns = 20;
const maxNameColumns = 32;

/**
 * A line with a bar for every file that is being worked on, drawn again in place, and of several files one for all
 * below them. Files that are done scroll up above it.
 */
export function createBarView(stream: OutputStream, files: number): ProgressView {
  const styles = createStyles(stream);
  const sum = new ProgressSum(files);
  const active = new Map<number, FileProgress>();
  let drawnLines = 0;
  let drawnText = "";
  let timer: NodeJS.Timeout | undefined;

  const erase = (): void => {
    if (drawnLines > 0) stream.write(`\u001b[${drawnLines}A\r\u001b[0J`);
    drawnLines = 0;
    drawnText = "";
  };
  const draw = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const lines = [...linesOf([...active.values()], stream, styles), ...overallLine(sum, styles)];
    const text = lines.map((line) => `${line}\n`).join("");
    if (text === drawnText) return;
    erase();
    stream.write(text);
    drawnText = text;
    drawnLines = lines.length;
  };
  const aside = (write: () => void): void => {
    erase();
    write();
    draw();
  };
  return {
    change: (index, progress) => {
      sum.change(index, progress);
      if (progress.state === "done" || progress.state === "failed") {
        active.delete(index);
        aside(() => stream.write(`${endLine(progress, stream, styles)}\n`));
        return;
      }
      active.set(index, progress);
      timer ??= setTimeout(draw, drawEveryMs);
    },
    drop: (index) => {
      sum.drop(index);
      if (active.delete(index)) draw();
    },
    aside,
    close: () => {
      clearTimeout(timer);
      erase();
    },
  };
}

function linesOf(files: readonly FileProgress[], stream: OutputStream, styles: Styles): string[] {
  // One column is left free: a character in the last one makes some terminals wrap.
  const columns = columnsOfStream(stream) - 1;
  const room = Math.max(1, (stream.rows ?? 24) - 3);
  const shown = files.slice(0, room);
  const nameColumns = Math.min(
    maxNameColumns,
    Math.max(...shown.map(({ name }) => columnsOf(name)), 0),
    Math.max(8, Math.floor(columns / 3)),
  );
  const lines = shown.map((file) => lineOf(file, { columns, nameColumns, styles }));
  if (files.length > shown.length) lines.push(styles.dim(`… and ${files.length - shown.length} more`));
  return lines;
}

/** Nothing for a single file, and when all have ended. */
function overallLine({ overall }: ProgressSum, styles: Styles): string[] {
  if (overall === undefined || overall.ended === overall.files) return [];
  return [`${barOf(overall.percent, styles)}  ${overallText(overall)}`];
}

function lineOf(
  { name, percent, stage, message }: FileProgress,
  { columns, nameColumns, styles }: { columns: number; nameColumns: number; styles: Styles },
): string {
  const figure = `${String(Math.round(percent)).padStart(3)} %`;
  const words = printableLine([stage?.replaceAll("_", " "), message].filter(Boolean).join(": "));
  const hasBar = columns >= nameColumns + barColumns + figure.length + 10;
  const used = nameColumns + 2 + (hasBar ? barColumns + 1 : 0) + figure.length + 2;
  const shownWords = shorten(words, Math.max(0, columns - used));
  const bar = hasBar ? `${barOf(percent, styles)} ` : "";
  return `${fit(name, nameColumns)}  ${bar}${figure}  ${styles.dim(shownWords)}`;
}

function barOf(percent: number, styles: Styles): string {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * barColumns);
  return `${styles.accent("█".repeat(full))}${styles.dim("░".repeat(barColumns - full))}`;
}

function endLine({ name, state, message }: FileProgress, stream: OutputStream, styles: Styles): string {
  const mark = state === "done" ? styles.good("✓") : styles.bad("✗");
  return `${mark} ${shorten(`${name}  ${printableLine(message)}`, columnsOfStream(stream) - 3)}`;
}
