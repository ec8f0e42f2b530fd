import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { isMillraceError, toError } from "@millrace/kernel";
import { analyse } from "../analyse.ts";
import { hashedVector } from "../hashed-vector.ts";
import { detectLanguage } from "../reading/language.ts";
import type { ThreadAnswer, ThreadRequest } from "./protocol.ts";

// Entry of the built-in model's thread. It gets one request at a time.

// Reading a text can wait; requests and the database's thread can't. Only Linux gives a thread a
// priority of its own: elsewhere this would slow down the whole process.
if (process.platform === "linux") setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

parentPort?.on("message", (message: ThreadRequest) => {
  parentPort?.postMessage(answer(message));
});

function answer(message: ThreadRequest): ThreadAnswer {
  try {
    return { ok: true, answer: work(message) };
  } catch (thrown) {
    if (isMillraceError(thrown)) {
      const { code, kind, message: text, details } = thrown;
      return { ok: false, error: { code, kind, message: text, details } };
    }
    const { stack } = toError(thrown);
    const error = {
      code: "built_in_model_failed",
      kind: "internal" as const,
      message: "The built-in model failed on this text. Please report it with the log.",
      details: { stack },
    };
    return { ok: false, error };
  }
}

function work(message: ThreadRequest): unknown {
  switch (message.question) {
    case "analyse":
      return analyse(message.request);
    case "embed":
      return message.request.texts.map(hashedVector);
    case "detect_language":
      return detectLanguage(message.request.text);
  }
}
