import { isTerminal } from "@millrace/contracts";
import type { DocumentEventOptions, DocumentSocketOptions } from "@millrace/documents";
import type { Access } from "@millrace/kernel";
import type { JobEventOptions, LiveSocketOptions } from "@millrace/live";
import { findJobs, parseStream, toJob } from "@millrace/queue";
import type { JobRecord } from "@millrace/queue";
import { z } from "zod";
import type { Installation } from "../roles/open-installation.ts";
import { maySee } from "./on-behalf.ts";

type LivePorts = {
  readonly topics: Pick<LiveSocketOptions, "snapshot" | "mayWatch" | "mayReceive">;
  readonly documents: Pick<DocumentSocketOptions, "readSnapshot" | "cancel" | "mayWatch"> &
    Pick<DocumentEventOptions, "readSnapshot" | "mayWatch">;
  readonly jobs: Pick<JobEventOptions, "streamOfJob" | "isFinished" | "isEnd" | "readJob">;
};

/** Of which everybody is told what concerns the own workspace, or the installation. */
const noticeTopics: ReadonlySet<string> = new Set(["workspace", "jobs", "monitor"]);

/** Events after which a job does nothing more, whatever its stream. */
const endings = /^(job\.(succeeded|failed|cancelled|expired)|[a-z]+\.(completed|failed|cancelled))$/;

/** What those who watch may see, and how it stands: the one place that says so. */
export function createLivePorts({ documents, queue }: Installation): LivePorts {
  const findJob = async (access: Access, id: string): Promise<JobRecord | undefined> => {
    if (!z.uuid().safeParse(id).success) return undefined;
    const [job] = await findJobs(queue.database.queryable, [id]);
    return job !== undefined && maySee(access, job.owner) ? job : undefined;
  };
  const jobSnapshot = async (access: Access, id: string) => {
    const seen = await findJob(access, id);
    if (seen === undefined) return undefined;
    // The number first: an event after it may be in the data already, none may be missing.
    const { lastSeq } = await queue.feed.read(seen.stream, Number.MAX_SAFE_INTEGER, 1);
    const job = (await findJob(access, id)) ?? seen;
    return { seq: lastSeq, stream: job.stream, data: toJob(job), isFinished: isTerminal(job.state) };
  };
  const documentSnapshot = async (access: Access, id: string) => {
    const found = z.uuid().safeParse(id).success ? await documents.snapshot(access, id) : undefined;
    return found === undefined ? undefined : { seq: found.seq, data: found.snapshot };
  };
  const isDocument = async (access: Access, id: string): Promise<boolean> =>
    z.uuid().safeParse(id).success && (await documents.exists(access, id));

  return {
    topics: {
      snapshot: async (access, topic) => {
        const { domain, id } = parseStream(topic);
        if (domain === "document") return await documentSnapshot(access, id);
        return domain === "job" ? await jobSnapshot(access, id) : undefined;
      },
      mayWatch: async (access, topic) => {
        if (noticeTopics.has(topic)) return true;
        const { domain, id } = parseStream(topic);
        if (domain === "document") return await isDocument(access, id);
        return domain === "job" && (await findJob(access, id)) !== undefined;
      },
      mayReceive: (access, notice) => maySee(access, notice.owner),
    },
    documents: {
      readSnapshot: (access, id) => documents.snapshot(access, id),
      cancel: async (access, id) => void (await documents.cancel(access, id)),
      mayWatch: isDocument,
    },
    jobs: {
      streamOfJob: async (access, id) => (await findJob(access, id))?.stream,
      isFinished: async (access, id) => {
        const job = await findJob(access, id);
        return job === undefined || isTerminal(job.state);
      },
      isEnd: (event) => endings.test(event.type),
      readJob: jobSnapshot,
    },
  };
}
