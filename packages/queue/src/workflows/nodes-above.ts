import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { NodePlace } from "./nodes.ts";

/** The nodes of jobs, or in these places, and what they are parts of, up to the first that has not ended without success. */
export const nodesAbove = (
  jobIds: readonly string[],
  places: readonly NodePlace[] = [],
): RawBuilder<unknown> => sql`
  WITH RECURSIVE above AS (
    (SELECT workflow_id, number, parent, state FROM workflow_node WHERE job_id = ANY(${[...jobIds]}::uuid[])
     UNION
     SELECT node.workflow_id, node.number, node.parent, node.state
     FROM unnest(${places.map((place) => place.workflow_id)}::uuid[], ${places.map(({ number }) => number)}::integer[])
       AS given (workflow_id, number)
     JOIN workflow_node AS node ON node.workflow_id = given.workflow_id AND node.number = given.number)
    UNION
    SELECT node.workflow_id, node.number, node.parent, node.state FROM above
    JOIN workflow_node AS node ON node.workflow_id = above.workflow_id AND node.number = above.parent
    WHERE above.state IN ('failed', 'cancelled')
  )`;
