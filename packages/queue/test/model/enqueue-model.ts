import { isTerminal } from "@millrace/contracts";
import { allJobs, appendEvent, fairPlaces, tell } from "./model.ts";
import type { EnqueueRequest, Model, ModelJob, Refusal } from "./model.ts";
import { tasks } from "./world.ts";

/** For each request the id of the job that is given for it, or why none can be. */
export type Given = { readonly id: string } | Refusal;

/**
 * Writes jobs, or finds those that stand in their way: with the same id, else the same idempotency key, else
 * the same unique key. `isTogether`: all or none.
 */
export function enqueue(
  model: Model,
  requests: readonly EnqueueRequest[],
  { isTogether }: { readonly isTogether: boolean },
): readonly Given[] | Refusal {
  const fresh: EnqueueRequest[] = [];
  const known = (): KnownRequest[] => [
    ...knownRequests(model),
    ...fresh.map((request) => ({ request, isOpen: true })),
  ];
  // They are written in the order of their unique keys; of two with the same keys the first goes first.
  const keyOf = ({ task, input }: EnqueueRequest) => (tasks[task].isUnique ? input.key : "");
  for (const request of requests.toSorted((left, right) => compareTexts(keyOf(left), keyOf(right)))) {
    if (findDouble(known(), request) === undefined) fresh.push(request);
  }
  // Only now, since a later one of the same call may stand under the key that an earlier one gave.
  const given = requests.map((request): Given => {
    if (fresh.includes(request)) return { id: request.id };
    return findDouble(known(), request) ?? { id: request.id };
  });
  const refusal = given.find((answer) => "refused" in answer);
  if (isTogether && refusal !== undefined) return refusal;
  // One that was turned away had come, so its place in the line stays empty.
  const places = fairPlaces(
    model,
    requests.map((request) => ({ ...request, queue: tasks[request.task].queue })),
  );
  for (const [index, request] of requests.entries()) {
    if (fresh.includes(request)) writeJob(model, request, places[index] ?? 0);
  }
  return given;
}

function compareTexts(left: string, right: string): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

type KnownRequest = { readonly request: EnqueueRequest; readonly isOpen: boolean };

function knownRequests(model: Model): KnownRequest[] {
  return allJobs(model).map(({ request, state }) => ({ request, isOpen: !isTerminal(state) }));
}

function findDouble(known: readonly KnownRequest[], request: EnqueueRequest): Given | undefined {
  const others = known.filter((one) => one.request.task === request.task);
  const sameId = others.find((one) => one.request.id === request.id);
  const sameKey = others.find(
    (one) =>
      request.idempotencyKey !== null &&
      one.request.idempotencyKey === request.idempotencyKey &&
      one.request.owner === request.owner,
  );
  const named = sameId ?? sameKey;
  if (named !== undefined) {
    const isSame = JSON.stringify(named.request.input) === JSON.stringify(request.input);
    if (isSame) return { id: named.request.id };
    return { refused: named === sameId ? "job_id_taken" : "idempotency_key_reused" };
  }
  const pending = others.find(
    (one) => tasks[request.task].isUnique && one.isOpen && one.request.input.key === request.input.key,
  );
  return pending === undefined ? undefined : { id: pending.request.id };
}

function writeJob(model: Model, request: EnqueueRequest, fair: number): void {
  const { task, id, delayMs, expiresInMs } = request;
  const { queue, retries, sharesStream } = tasks[task];
  const job: ModelJob = {
    request,
    id,
    task,
    queue,
    owner: request.owner,
    stream: sharesStream ? `document:${request.input.key}` : `job:${id}`,
    priority: request.priority,
    createdAt: model.now,
    state: delayMs > 0 ? "scheduled" : "queued",
    reason: delayMs > 0 ? "delay" : null,
    fair,
    runAt: model.now + delayMs,
    expiresAt: expiresInMs === null ? null : model.now + expiresInMs,
    attempt: 0,
    maxAttempts: retries + 1,
    crashCount: 0,
    runsAlone: false,
    fence: 0,
    leaseUntil: null,
    isCancelRequested: false,
    finishedAt: null,
    purgeAt: null,
    parkedBy: null,
    result: null,
    attempts: [],
    asks: null,
    answers: new Map(),
    events: [],
  };
  model.jobs.set(id, job);
  appendEvent(model, job, "queued");
  tell(model, "enqueued", job);
}
