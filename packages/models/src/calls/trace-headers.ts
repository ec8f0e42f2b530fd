import type { CallOrigin } from "../ports.ts";

/** What a server of one's own is told of a call, so that its log can be matched with ours. */
export function traceHeaders(call: {
  readonly purpose: string;
  readonly origin?: CallOrigin;
}): Record<string, string> {
  const { purpose, origin } = call;
  // Further questions and batches of a step are steps to the ledger alone.
  const step = origin?.step?.replace(/#\d+$/, "");
  return {
    "x-millrace-purpose": headerValue(purpose),
    ...(origin?.job === undefined ? {} : { "x-millrace-job": headerValue(origin.job) }),
    ...(step === undefined ? {} : { "x-millrace-step": headerValue(step) }),
  };
}

/** Names are anybody's; headers take no line ends and hardly more than ASCII, or the call is never sent. */
function headerValue(text: string): string {
  return text.toWellFormed().replaceAll(/[^\u0020-\u007e]/gu, encodeURIComponent);
}
