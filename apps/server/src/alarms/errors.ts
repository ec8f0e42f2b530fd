import { MillraceError } from "@millrace/kernel";

export function webhookNotSet(): MillraceError {
  return new MillraceError({
    code: "webhook_not_set",
    kind: "conflict",
    message: "There is no webhook to try. Give its address in ALARM_WEBHOOK_URL and start Millrace again.",
  });
}
