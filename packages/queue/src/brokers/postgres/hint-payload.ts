/** The one channel on which processes tell each other of work. */
export const hintChannel = "millrace_hint";

/** What a notification says: who sent it, and the queue that has work. Names of queues hold no colon. */
export function formatHint(sender: string, queue: string): string {
  return `${sender}:${queue}`;
}

/** A payload without a sender is a queue: what a trigger or a person at a prompt would send. */
export function parseHint(payload: string): { readonly sender: string; readonly queue: string } {
  const colon = payload.indexOf(":");
  return { sender: payload.slice(0, Math.max(0, colon)), queue: payload.slice(colon + 1) };
}
