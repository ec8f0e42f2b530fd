import { isQuestionOver, isTerminal } from "@millrace/contracts";
import type { DocumentEventOptions, DocumentSocketOptions } from "@millrace/documents";
import type { RunReference } from "@millrace/crews";
import type { Access } from "@millrace/kernel";
import type { EventRouteOptions, LiveHub, LiveSocketOptions } from "@millrace/live";
import { findJobs, parseStream, toJob } from "@millrace/queue";
import type { JobRecord } from "@millrace/queue";
import type { SummaryEventOptions, SummarySocketOptions } from "@millrace/summaries";
import { z } from "zod";
import type { Installation } from "../roles/open-installation.ts";
import { maySee } from "./on-behalf.ts";

type LivePorts = {
  readonly topics: Pick<LiveSocketOptions, "snapshot" | "mayWatch" | "mayReceive">;
  readonly documents: Pick<DocumentSocketOptions, "readSnapshot" | "cancel" | "mayWatch"> &
    Pick<DocumentEventOptions, "readSnapshot" | "mayWatch">;
  readonly summaries: Pick<SummarySocketOptions, "accept" | "readSnapshot" | "mayWatch"> &
    Pick<SummaryEventOptions, "readSnapshot" | "mayWatch">;
  readonly jobs: EventPorts;
  readonly crewRuns: EventPorts;
  readonly questions: EventPorts;
};

/** What is watched by its topic: how it stands, and who may see it. */
type Watched = {
  readonly snapshot: (access: Access, id: string) => ReturnType<LiveSocketOptions["snapshot"]>;
  readonly mayWatch: (access: Access, id: string) => Promise<boolean>;
};

type EventPorts = Pick<EventRouteOptions, "streamOf" | "readSnapshot" | "isEnd">;

/** Of which everybody is told what concerns the own workspace, or the installation. */
const noticeTopics: ReadonlySet<string> = new Set(["workspace", "jobs", "monitor"]);

/** Events after which a job does nothing more, whatever its stream. */
// `crew.completed` is one of the last steps of a run; `crew_run.completed` is its end.
const endings =
  /^(job\.(succeeded|failed|cancelled|expired)|(?!crew\.)[a-z_]+\.(completed|failed|cancelled))$/;

type OwnId = { readonly access: Access; readonly id: string };

/** Answers about documents are of one workspace. */
const ownKey = ({ access, id }: OwnId): string => `${access.workspaceId} ${access.personId} ${id}`;

const isId = (text: string): boolean => z.uuid().safeParse(text).success;

/**
 * What those who watch may see, and how it stands: the one place that says so. Every read is shared by those who
 * ask at the same time, and bounded by the hub: thousands who come at once must not take all connections.
 */
export function createLivePorts(
  {
    documents,
    summaries,
    crewRuns,
    questions,
    queue,
  }: Pick<Installation, "documents" | "summaries" | "crewRuns" | "questions" | "queue">,
  hub: Pick<LiveHub, "share">,
): LivePorts {
  const readDocument = hub.share(({ access, id }: OwnId) => documents.snapshot(access, id), ownKey);
  const hasDocument = hub.share(({ access, id }: OwnId) => documents.exists(access, id), ownKey);
  const summaryPorts = createSummaryPorts(summaries, hub);
  const crewRunPorts = createCrewRunPorts(crewRuns, hub);
  const questionPorts = createQuestionPorts(questions, hub);
  const jobPorts = createJobPorts(queue, hub);

  const documentSnapshot = async (access: Access, id: string) => {
    const found = isId(id) ? await readDocument({ access, id }) : undefined;
    return found === undefined ? undefined : { seq: found.seq, data: found.snapshot };
  };
  const isDocument = async (access: Access, id: string): Promise<boolean> =>
    isId(id) && (await hasDocument({ access, id }));

  const watched: Readonly<Record<string, Watched>> = {
    document: { snapshot: documentSnapshot, mayWatch: isDocument },
    summary: {
      snapshot: async (access, id) => {
        const found = await summaryPorts.readSnapshot(access, id);
        return found === undefined ? undefined : { seq: found.seq, data: found.snapshot };
      },
      mayWatch: summaryPorts.mayWatch,
    },
    crew_run: watchedBy(crewRunPorts),
    ask: watchedBy(questionPorts),
    job: watchedBy(jobPorts),
  };

  /** Streams have the ids as the database writes them. */
  const find = (topic: string) => {
    const { domain, id } = parseStream(topic);
    return {
      ports: Object.hasOwn(watched, domain) ? watched[domain] : undefined,
      domain,
      id: id.toLowerCase(),
    };
  };

  return {
    topics: {
      snapshot: async (access, topic) => {
        const { ports, domain, id } = find(topic);
        const found = await ports?.snapshot(access, id);
        return found && { stream: `${domain}:${id}`, ...found };
      },
      mayWatch: async (access, topic) => {
        if (noticeTopics.has(topic)) return true;
        const { ports, id } = find(topic);
        return (await ports?.mayWatch(access, id)) ?? false;
      },
      mayReceive: (access, notice) => maySee(access, notice.owner),
    },
    documents: {
      readSnapshot: (access, id) => readDocument({ access, id }),
      cancel: async (access, id) => void (await documents.cancel(access, id)),
      mayWatch: isDocument,
    },
    summaries: summaryPorts,
    jobs: jobPorts,
    crewRuns: crewRunPorts,
    questions: questionPorts,
  };
}

/** Where there is a stream there is something to watch. */
function watchedBy({ readSnapshot, streamOf }: EventPorts): Watched {
  return {
    snapshot: readSnapshot,
    mayWatch: async (access, id) => (await streamOf(access, id, {})) !== undefined,
  };
}

function createJobPorts(queue: Installation["queue"], hub: Pick<LiveHub, "share">): EventPorts {
  const findAnyJob = async (id: string): Promise<JobRecord | undefined> => {
    const [job] = await findJobs(queue.database.queryable, [id]);
    return job;
  };
  const readJob = hub.share(findAnyJob, String);
  const readJobSnapshot = hub.share(async (id: string) => {
    const seen = await findAnyJob(id);
    if (seen === undefined) return undefined;
    // The number first: an event after it may be in the data already, none may be missing.
    const { lastSeq } = await queue.feed.read(seen.stream, Number.MAX_SAFE_INTEGER, 1);
    return { seq: lastSeq, job: (await findAnyJob(id)) ?? seen };
  }, String);
  const findJob = async (access: Access, id: string): Promise<JobRecord | undefined> => {
    if (!isId(id)) return undefined;
    const job = await readJob(id);
    return job !== undefined && maySee(access, job.owner) ? job : undefined;
  };
  const readSnapshot = async (access: Access, id: string) => {
    const found = isId(id) ? await readJobSnapshot(id) : undefined;
    if (found === undefined || !maySee(access, found.job.owner)) return undefined;
    const { seq, job } = found;
    return { seq, stream: job.stream, data: toJob(job), isFinished: isTerminal(job.state) };
  };
  return {
    streamOf: async (access, id) => (await findJob(access, id))?.stream,
    readSnapshot,
    isEnd: (event) => endings.test(event.type),
  };
}

function createSummaryPorts(
  summaries: Installation["summaries"],
  hub: Pick<LiveHub, "share">,
): LivePorts["summaries"] {
  const readSummary = hub.share(({ access, id }: OwnId) => summaries.snapshot(access, id), ownKey);
  const hasSummary = hub.share(({ access, id }: OwnId) => summaries.exists(access, id), ownKey);
  return {
    accept: async (access, request) => {
      const result = await summaries.accept(access, request);
      // Only a request with a key is ever answered as one before it.
      if (result.kind !== "new") throw new Error("a text without a key was answered as another");
      return result.accepted.summary.id;
    },
    readSnapshot: async (access, id) => (isId(id) ? await readSummary({ access, id }) : undefined),
    mayWatch: async (access, id) => isId(id) && (await hasSummary({ access, id })),
  };
}

/** Events after which a run of a crew does nothing more. */
const runEndings = /^(crew_run\.(completed|failed|cancelled)|job\.(succeeded|failed|cancelled|expired))$/;

function createCrewRunPorts(
  crewRuns: Installation["crewRuns"],
  hub: Pick<LiveHub, "share">,
): LivePorts["crewRuns"] {
  const readRun = hub.share(({ access, id }: OwnId) => crewRuns.snapshot(access, { id }), ownKey);
  const readStream = hub.share(
    ({ access, ...asked }: OwnId & RunReference) => crewRuns.streamOf(access, asked),
    ({ crew = "", ...own }) => `${ownKey(own)} ${crew}`,
  );
  return {
    readSnapshot: async (access, id) => (isId(id) ? await readRun({ access, id }) : undefined),
    streamOf: async (access, id, { name: crew }) =>
      isId(id) ? await readStream({ access, id, crew }) : undefined,
    isEnd: (event) => runEndings.test(event.type),
  };
}

function createQuestionPorts(
  questions: Installation["questions"],
  hub: Pick<LiveHub, "share">,
): LivePorts["questions"] {
  const readQuestion = hub.share(({ access, id }: OwnId) => questions.snapshot(access, id), ownKey);
  const hasQuestion = hub.share(({ access, id }: OwnId) => questions.exists(access, id), ownKey);
  return {
    readSnapshot: async (access, id) => {
      const found = isId(id) ? await readQuestion({ access, id }) : undefined;
      if (found === undefined) return undefined;
      const { seq, snapshot } = found;
      return { seq, data: snapshot, isFinished: isQuestionOver(snapshot.question.state) };
    },
    streamOf: async (access, id) =>
      isId(id) && (await hasQuestion({ access, id })) ? `ask:${id}` : undefined,
    isEnd: ({ type }) => /^ask\.(completed|failed|cancelled)$/.test(type),
  };
}
