import { acceptedQuestionSchema, askEventSchemas, isQuestionOver, questionSchema } from "@millrace/contracts";
import type { Citation, CreateQuestion, NearestPassage, Question } from "@millrace/contracts";
import type { Command } from "commander";
import type { CommandHost } from "./command-host.ts";
import { interrupted, waitTimedOut } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import type { ExitCode } from "./exit-codes.ts";
import { positiveSeconds } from "./option-values.ts";
import { listenForStop } from "./processing/stop-signals.ts";
import type { ApiClient } from "./server/api-client.ts";
import { getServer } from "./server/find-server.ts";
import { followEvents } from "./server/follow-events.ts";
import { printableLine, printablePiece, printableText } from "./terminal/printable.ts";
import { writeJson } from "./write-json.ts";

type AskOptions = {
  readonly document?: readonly string[];
  readonly title?: string;
  readonly type?: string;
  readonly language?: string;
  readonly tag?: string;
  readonly collection?: string;
  readonly fresh?: true;
  readonly timeout?: number;
  readonly json?: true;
};

const help = `
Prints the answer as it is written, then the places in the documents that say so. Where output goes to a file or
to another program, the checked answer is printed when it is there.

Exit codes: 0 answered, also with "I did not find this"; 1 refused; 2 usage; 4 not let in; 5 --timeout is over, and
the work goes on; 6 it failed or was cancelled; 130 interrupted.`;

/** `millrace ask QUESTION`, through the running server. */
export function addAskCommand(program: Command, host: CommandHost): void {
  program
    .command("ask <question...>")
    .description("Ask your documents; the answer cites what they say, or says that they don't")
    .option("--document <id...>", "only in these documents")
    .option("--title <text>", "only in documents whose title holds this")
    .option("--type <type>", "only in files of this type, such as pdf")
    .option("--language <code>", "only in documents in this language, such as en")
    .option("--tag <tag>", "only in documents with this tag")
    .option("--collection <name>", "only in this collection, by its name or id")
    .option("--fresh", "ask the model anew, though the same was asked before")
    .option("--timeout <seconds>", "give up waiting after this time", positiveSeconds)
    .option("--json", "print the whole question with its answer")
    .addHelpText("after", help)
    .action(async (words: string[], options: AskOptions) => {
      const client = await getServer(host.environment().connection());
      host.finish(await ask(client, words.join(" "), options));
    });
}

async function ask(client: ApiClient, question: string, options: AskOptions): Promise<ExitCode> {
  const stop = listenForStop();
  const view = new AnswerView(options.json !== true && process.stdout.isTTY);
  try {
    const accepted = await client.call("/api/ask", acceptedQuestionSchema, {
      method: "POST",
      body: JSON.stringify(toRequest(question, options)),
      signal: stop.signal,
    });
    const answered = await follow(client, accepted.question, { view, options, stopped: stop.signal });
    if (options.json) writeJson(answered);
    else view.end(answered);
    return report(answered);
  } finally {
    stop.close();
  }
}

function toRequest(question: string, options: AskOptions): unknown {
  const { document, title, type, language, tag, collection, fresh } = options;
  const filters = { title, file_type: type, language, tag, collection };
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  const request: Omit<CreateQuestion, "filters"> = {
    question,
    ...(document === undefined ? {} : { document_ids: [...document] }),
    ...(fresh === undefined ? {} : { fresh }),
  };
  return isFiltered ? { ...request, filters } : request;
}

/** Follows the work to its end. */
async function follow(
  client: ApiClient,
  { links }: Question,
  {
    view,
    options,
    stopped,
  }: { readonly view: AnswerView; readonly options: AskOptions; readonly stopped: AbortSignal },
): Promise<Question> {
  const { timeout: seconds } = options;
  const time = seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1000);
  const signal = time === undefined ? stopped : AbortSignal.any([stopped, time]);
  try {
    for await (const { type, data } of followEvents(client, links.events, signal)) {
      view.show(type, data);
      if (/^(ask\.(completed|failed|cancelled)|snapshot)$/.test(type)) {
        const question = await client.call(links.self, questionSchema, { signal });
        if (isQuestionOver(question.state)) return question;
      }
    }
    return await client.call(links.self, questionSchema, { signal });
  } catch (error) {
    const whatNext = `The work goes on: ${client.url}${links.self}`;
    if (stopped.aborted) {
      process.stderr.write(`\n${whatNext}\n`);
      throw interrupted();
    }
    if (time?.aborted) throw waitTimedOut(seconds ?? 0, whatNext);
    throw error;
  }
}

/** The answer on standard output: as it is written on a terminal, else when it is there. */
class AnswerView {
  readonly #isLive: boolean;
  #written = "";

  constructor(isLive: boolean) {
    this.#isLive = isLive;
  }

  show(type: string, data: unknown): void {
    if (type === "ask.put_off" || type === "ask.retry_scheduled") {
      const { data: told } = askEventSchemas["ask.put_off"].safeParse(data);
      if (told !== undefined)
        process.stderr.write(
          `It waits, and goes on by itself in ${Math.ceil(told.retry_in_seconds)} s: ${printableLine(told.error)}\n`,
        );
    }
    if (!this.#isLive || type !== "ask.text_written") return;
    const piece = askEventSchemas["ask.text_written"].safeParse(data).data;
    if (piece === undefined) return;
    // What was written before no longer counts; it stays on the screen, as text that scrolled by does.
    if (piece.reset && this.#written !== "") {
      process.stdout.write("\n");
      process.stderr.write("It is written anew:\n");
      this.#written = "";
    }
    this.#written += piece.text;
    process.stdout.write(printablePiece(piece.text));
  }

  end(question: Question): void {
    const { answer, citations, nearest, removed_citations: removed } = question;
    const isShown = this.#written !== "" && this.#written.trim() === answer;
    if (this.#written !== "") process.stdout.write("\n");
    if (answer === null) return;
    if (!isShown) {
      if (this.#written !== "") process.stderr.write("After its citations were looked up:\n");
      process.stdout.write(`${printableText(answer)}\n`);
    }
    if (removed > 0)
      process.stderr.write(`Citations that are not in the text, and were removed: ${removed}\n`);
    if (citations.length > 0) process.stdout.write(`\n${citations.map(citationLines).join("")}`);
    if (nearest.length > 0) {
      process.stdout.write("\nThe nearest passages:\n");
      process.stdout.write(nearest.map(nearestLines).join(""));
    }
  }
}

function citationLines(citation: Citation): string {
  return `[${citation.number}] ${placeOf(citation)}\n    “${printableLine(citation.quote)}”\n`;
}

function nearestLines(passage: NearestPassage): string {
  return `- ${placeOf(passage)}\n    ${printableLine(passage.excerpt)}\n`;
}

function placeOf({
  document_title: title,
  document_id: id,
  section,
  page,
}: NearestPassage | Citation): string {
  const parts = [title, section, page === null ? null : `page ${page}`].filter((part) => part !== null);
  return `${parts.map(printableLine).join(", ")} (${id})`;
}

function report(question: Question): ExitCode {
  if (question.state === "completed") return exitCodes.ok;
  const { error, error_code: code } = question;
  const why = error === null ? "" : `: ${printableLine(error)} (${code})`;
  process.stderr.write(`millrace: question ${question.id} ${question.state}${why}\n`);
  return exitCodes.jobFailed;
}
