import { defineTask, handleTask, z } from "millrace";
import { deliver } from "../outbox.ts";

/** One letter to one person. The limit holds over all workers, however many there are. */
export const sendLetter = defineTask({
  name: "mail.send_letter",
  queue: "mail",
  input: z.object({ to: z.email(), subject: z.string(), text: z.string() }),
  output: z.object({ message_id: z.string() }),
  rateLimit: "10/s",
});

export const handleSendLetter = handleTask({
  task: sendLetter,
  run: async ({ input, job, step }) => {
    // The job's id stays the same over every retry: who gets this letter twice can tell that it is one.
    const messageId = `${job.id}@example.com`;
    await step("deliver", async () => deliver({ ...input, messageId }));
    return { message_id: messageId };
  },
});
