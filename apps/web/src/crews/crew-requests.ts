import type {
  AnswerCrewRun,
  CrewRunDetail,
  CrewRunShape,
  CrewShape,
  NewCrewRun,
  Page,
} from "@millrace/contracts";
import { callApi } from "../api/client.ts";

const crewPath = (name: string) => `/crews/${encodeURIComponent(name)}`;
const runPath = ({ crew, id }: RunReference) => `${crewPath(crew)}/runs/${encodeURIComponent(id)}`;

type RunReference = Pick<CrewRunShape, "crew" | "id">;

export function listCrews(signal?: AbortSignal): Promise<Page<CrewShape>> {
  return callApi("/crews", { signal });
}

export function fetchCrew(name: string, signal?: AbortSignal): Promise<CrewShape> {
  return callApi(crewPath(name), { signal });
}

/** Runs of a crew, or of all. */
export function listCrewRuns(
  { crew, ...query }: { crew?: string | undefined; limit: number; cursor?: string | undefined },
  signal?: AbortSignal,
): Promise<Page<CrewRunShape>> {
  return callApi(crew === undefined ? "/crew-runs" : `${crewPath(crew)}/runs`, { query, signal });
}

export function startCrewRun(
  name: string,
  request: NewCrewRun,
  idempotencyKey: string,
): Promise<CrewRunShape> {
  return callApi(`${crewPath(name)}/runs`, { method: "POST", json: request, idempotencyKey });
}

/** By its id alone, which is all that a page's address has. */
export function fetchCrewRun(id: string, signal?: AbortSignal): Promise<CrewRunDetail> {
  return callApi(`/crew-runs/${encodeURIComponent(id)}`, { signal });
}

export function cancelCrewRun(run: RunReference): Promise<CrewRunShape> {
  return callApi(`${runPath(run)}/cancel`, { method: "POST" });
}

export function answerCrewRun(run: RunReference, answer: AnswerCrewRun): Promise<CrewRunShape> {
  return callApi(`${runPath(run)}/answer`, { method: "POST", json: answer });
}

/** A new run that takes over the outputs of the tasks before this one. */
export function replayCrewRun(
  run: RunReference,
  fromTask: string,
  idempotencyKey: string,
): Promise<CrewRunShape> {
  const json = { from_task: fromTask };
  return callApi(`${runPath(run)}/replay`, { method: "POST", json, idempotencyKey });
}
