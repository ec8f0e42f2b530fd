import { MillraceError } from "@millrace/kernel";

export function alarmNotFound(id: string): MillraceError {
  return new MillraceError({
    code: "alarm_not_found",
    kind: "not_found",
    message: "There is no such alarm. Cleared ones are kept for 30 days.",
    details: { id },
  });
}

export function alarmIsCleared(id: string): MillraceError {
  return new MillraceError({
    code: "alarm_is_cleared",
    kind: "conflict",
    message: "This alarm was cleared already: what it told of is over, and there is nothing to acknowledge.",
    details: { id },
  });
}

export function invalidQueueThresholds(text: string, problem: string): MillraceError {
  return new MillraceError({
    code: "invalid_queue_thresholds",
    kind: "invalid",
    message: `${problem} Write queues with their thresholds and commas between, such as chat:10,mail_*:500,*:10000; a name may end in * for all that begin so, and off in place of a number means no alarm.`,
    details: { text },
  });
}
