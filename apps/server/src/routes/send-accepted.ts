import type { AcceptedDocument } from "@millrace/contracts";
import { isSettled } from "@millrace/contracts";
import { acceptedHeaders } from "@millrace/documents";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { RouteParts } from "./route-parts.ts";
import { preferredWait } from "./preferred-wait.ts";

/**
 * Answers 202 with where to look. With `Prefer: wait=N` it waits up to N seconds for the end of
 * the work first, on events, and then answers with the finished document: 201 if the request made it, else
 * 200.
 */
export async function sendAccepted(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: RouteParts,
  work: { readonly accepted: AcceptedDocument; readonly isNew: boolean },
): Promise<AcceptedDocument> {
  const { accepted, isNew } = work;
  const wait = preferredWait(request, reply, parts.stopping);
  if (wait === undefined) {
    void reply.code(202).headers(acceptedHeaders(accepted));
    return accepted;
  }
  const { queue, documents } = parts.installation;
  await queue.waitForEnd(accepted.job.id, wait);
  const access = await parts.access.authenticate(request);
  const current = await documents.accepted(access, accepted.document.id);
  void reply.headers(acceptedHeaders(current));
  if (!isSettled(current.document.status)) void reply.code(202);
  else {
    void reply
      .code(isNew ? 201 : 200)
      .removeHeader("retry-after")
      .header("location", current.document.links.self);
  }
  return current;
}
