import { isTerminal } from "@millrace/contracts";
import type { CrewRuns } from "@millrace/crews";
import type { Access } from "@millrace/kernel";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { RouteParts } from "./route-parts.ts";
import { preferredWait } from "./preferred-wait.ts";

type Started = Awaited<ReturnType<CrewRuns["start"]>>;

/** 202 with a run as it is, or 200 with what it came to when the request waits and it ends in time. */
export async function sendRun(
  request: FastifyRequest,
  reply: FastifyReply,
  { installation, stopping }: RouteParts,
  { access, started }: { readonly access: Access; readonly started: Started },
) {
  const { run, isNew } = started;
  void reply.header("location", run.links.self);
  if (!isNew) void reply.header("idempotent-replayed", "true");
  const wait = preferredWait(request, reply, stopping);
  if (wait !== undefined) {
    const current = await installation.crewRuns.waitForEnd(access, run, wait);
    if (isTerminal(current.state)) return reply.code(200).send(current);
    const { result: _result, tasks: _tasks, files: _files, ...rest } = current;
    return reply.code(202).header("retry-after", "1").send(rest);
  }
  return reply.code(202).header("retry-after", "1").send(run);
}
