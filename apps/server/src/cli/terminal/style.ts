import type { WriteStream } from "node:tty";
import { styleText } from "node:util";

/** Where a command writes: a terminal, a pipe or a file. */
export type OutputStream = NodeJS.WriteStream | WriteStream;

export type Styles = {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly accent: (text: string) => string;
};

/** Colours for a terminal; none for pipes, files and those who set NO_COLOR. */
export function createStyles(stream: OutputStream): Styles {
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    stream.isTTY ? styleText(format, text, { stream }) : text;
  return {
    bold: style("bold"),
    dim: style("dim"),
    good: style("green"),
    bad: style("red"),
    warning: style("yellow"),
    accent: style("cyan"),
  };
}

/** Whether lines on this stream can be drawn again. */
export function canRedraw(stream: OutputStream, term: string | undefined): boolean {
  return stream.isTTY && term !== "dumb";
}

/** Columns to write in; some pseudo-terminals say 0. */
export function columnsOfStream(stream: OutputStream): number {
  return stream.isTTY && stream.columns > 0 ? stream.columns : 80;
}
