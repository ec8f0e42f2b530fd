import { defineTask, handleTask, z } from "millrace";
import { sendLetter } from "./send-letter.ts";

/** A letter to many people: a job for each of them. */
export const sendCampaign = defineTask({
  name: "mail.send_campaign",
  input: z.strictObject({
    subject: z.string().min(1),
    text: z.string(),
    recipients: z.array(z.email()).min(1).max(1000),
  }),
  output: z.object({ letters: z.number() }),
});

export const handleSendCampaign = handleTask({
  task: sendCampaign,
  run: async ({ input, enqueueChild, progress }) => {
    const { subject, text } = input;
    const recipients = [...new Set(input.recipients)];
    for (const [index, to] of recipients.entries()) {
      // Recorded with the child, by its key: a second attempt goes on after the last one that was written.
      await enqueueChild(`letter to ${to}`, sendLetter, { to, subject, text });
      progress({ done: index + 1, total: recipients.length, unit: "letters" });
    }
    return { letters: recipients.length };
  },
});
