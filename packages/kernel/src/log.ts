import { pino, stdTimeFunctions } from "pino";
import type { DestinationStream, Logger as PinoLogger } from "pino";

export type Logger = Pick<PinoLogger, "debug" | "info" | "warn" | "error" | "child">;

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

const secretNames = [
  "authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
  "apiKey",
  "token",
  "password",
  "secret",
];

/** Each secret name as a field of its own and up to two objects deep, as in req.headers.cookie. */
function secretPaths(): string[] {
  return secretNames.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);
}

/**
 * A JSON-lines logger on standard error, so that standard output stays free for results.
 * Known secret fields are replaced before a line is written.
 */
export function createLogger(options: {
  readonly level: LogLevel;
  readonly name: string;
  readonly destination?: DestinationStream;
}): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      timestamp: stdTimeFunctions.isoTime,
      redact: {
        paths: secretPaths(),
        censor: "[redacted]",
      },
    },
    options.destination ?? pinoStandardError(),
  );
}

function pinoStandardError(): DestinationStream {
  return { write: (line) => void process.stderr.write(line) };
}

/** A logger that writes nothing, for tests and for command-line runs. */
export const silentLogger: Logger = pino({ level: "silent" });
