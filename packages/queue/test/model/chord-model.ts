import type { WorkflowPolicy } from "@millrace/contracts";
import type { Refusal } from "./model.ts";

/** What a workflow promises, as plain objects: a group of few members, and a body that runs when they have ended. */
export type ChordModel = {
  readonly policy: WorkflowPolicy;
  readonly members: readonly ModelPart[];
  readonly body: ModelPart;
  readonly group: ModelWhole;
  /** Of the group and the body. */
  readonly chord: ModelWhole;
  isCancelling: boolean;
  bodySuccesses: number;
};

export type ModelPart = {
  state: "blocked" | "queued" | "running" | "succeeded" | "failed" | "cancelled";
  /** Its turn never came. */
  isSkipped: boolean;
  /** It is to be cancelled because of others. */
  isStopping: boolean;
  isCancelRequested: boolean;
};

type ModelWhole = {
  state: "running" | "succeeded" | "failed" | "cancelled";
  isStopping: boolean;
  /** A part has failed since it began, or was opened again. */
  hasFailed: boolean;
};

export function createChord(policy: WorkflowPolicy, members: number): ChordModel {
  const part = (state: ModelPart["state"]): ModelPart => ({
    state,
    isSkipped: false,
    isStopping: false,
    isCancelRequested: false,
  });
  const whole = (): ModelWhole => ({ state: "running", isStopping: false, hasFailed: false });
  return {
    policy,
    members: Array.from({ length: members }, () => part("queued")),
    body: part("blocked"),
    group: whole(),
    chord: whole(),
    isCancelling: false,
    bodySuccesses: 0,
  };
}

export function isOpen({ state }: ModelPart): boolean {
  return state === "queued" || state === "running";
}

export function hasEnded({ state }: ModelPart): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

export function isUnsuccessful({ state }: ModelPart): boolean {
  return state === "failed" || state === "cancelled";
}

/** As the workflow's own row says. */
export function workflowState({ chord, isCancelling }: ChordModel): ModelWhole["state"] {
  if (chord.state === "running" || chord.state === "succeeded") return chord.state;
  return isCancelling ? "cancelled" : "failed";
}

/** The end of a running part. Who was told to stop has failed by that. */
export function finish(model: ChordModel, part: ModelPart, wish: "succeeded" | "failed"): void {
  const state = wish === "failed" && part.isCancelRequested ? "cancelled" : wish;
  endParts(model, [part], state);
}

function endParts(model: ChordModel, parts: readonly ModelPart[], state: ModelPart["state"]): void {
  for (const part of parts) part.state = state;
  const isBody = parts.includes(model.body);
  if (isBody && state === "succeeded") model.bodySuccesses++;
  const members = parts.filter((part) => part !== model.body);
  if (members.length > 0) countMembers(model, state);
  if (isBody) endChord(model, state === "succeeded");
}

/** What collected members do that are tried again when all has gone on without them changes nothing. */
function countMembers(model: ChordModel, state: ModelPart["state"]): void {
  const { group, members, policy } = model;
  if (group.state !== "running") return;
  const isFirstFailure = state !== "succeeded" && !group.hasFailed;
  group.hasFailed ||= state !== "succeeded";
  const open = members.filter(isOpen);
  if (open.length > 0) {
    if (policy === "stop" && isFirstFailure) for (const member of open) member.isStopping = true;
    return;
  }
  const isSuccess = !members.some(isUnsuccessful) || (policy === "collect" && !group.isStopping);
  group.state = isSuccess ? "succeeded" : group.isStopping ? "cancelled" : "failed";
  if (isSuccess && !model.chord.isStopping) model.body.state = "queued";
  else endChord(model, false);
}

function endChord({ chord, body }: ChordModel, isSuccess: boolean): void {
  chord.state = isSuccess ? "succeeded" : chord.isStopping ? "cancelled" : "failed";
  if (!isSuccess && body.state === "blocked") skip(body);
}

function skip(body: ModelPart): void {
  body.state = "cancelled";
  body.isSkipped = true;
}

export function cancelPart(model: ChordModel, part: ModelPart): void {
  if (part.state === "running") part.isCancelRequested = true;
  else endParts(model, [part], "cancelled");
}

/** Those who stop what is to be stopped come when they come. */
export function stop(model: ChordModel): void {
  const parts = [...model.members, model.body].filter((part) => part.isStopping && isOpen(part));
  for (const part of parts) if (part.state === "running") part.isCancelRequested = true;
  const idle = parts.filter(({ state }) => state === "queued");
  if (idle.length > 0) endParts(model, idle, "cancelled");
}

export function cancelWorkflow(model: ChordModel): "cancelled" | "cancelling" | Refusal {
  const state = workflowState(model);
  if (state === "cancelled") return "cancelled";
  if (state !== "running") return { refused: "already_finished" };
  if (model.isCancelling) return "cancelling";
  model.isCancelling = true;
  model.chord.isStopping = true;
  const isGroupOpen = model.group.state === "running";
  if (isGroupOpen) model.group.isStopping = true;
  for (const part of isGroupOpen ? model.members : [model.body]) if (isOpen(part)) part.isStopping = true;
  if (model.body.state === "blocked") skip(model.body);
  return "cancelling";
}

export function retryPart(model: ChordModel, part: ModelPart): "retried" | Refusal {
  const { group, members, policy, body } = model;
  if (!isUnsuccessful(part)) return { refused: "job_not_ended" };
  if (part.isSkipped) return { refused: "workflow_job_was_skipped" };
  const isGroupStopped = policy === "stop" && members.some((one) => isOpen(one) && one.isStopping);
  const isGroupBusy = group.isStopping || (members.some(isUnsuccessful) && isGroupStopped);
  if (part !== body && group.state === "running" && isGroupBusy) return { refused: "workflow_is_stopping" };
  requeue(part);
  if (part === body) open(model, model.chord);
  else if (group.state === "failed" || group.state === "cancelled") openGroup(model);
  return "retried";
}

export function retryWorkflow(model: ChordModel): "retried" | Refusal {
  const state = workflowState(model);
  if (state !== "failed" && state !== "cancelled") return { refused: "workflow_not_retryable" };
  if (model.group.state === "succeeded") {
    requeue(model.body);
    open(model, model.chord);
    return "retried";
  }
  for (const member of model.members) if (isUnsuccessful(member)) requeue(member);
  openGroup(model);
  return "retried";
}

/** With those that were stopped. */
function openGroup(model: ChordModel): void {
  for (const member of model.members) {
    if (member.state === "cancelled" && member.isStopping) requeue(member);
  }
  open(model, model.group);
  open(model, model.chord);
  Object.assign(model.body, { state: "blocked", isSkipped: false });
}

function open(model: ChordModel, whole: ModelWhole): void {
  Object.assign(whole, { state: "running", isStopping: false, hasFailed: false } satisfies ModelWhole);
  if (whole === model.chord) model.isCancelling = false;
}

function requeue(part: ModelPart): void {
  Object.assign(part, {
    state: "queued",
    isSkipped: false,
    isStopping: false,
    isCancelRequested: false,
  } satisfies ModelPart);
}
