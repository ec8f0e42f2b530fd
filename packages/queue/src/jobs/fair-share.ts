import { sql } from "kysely";
import type { RawBuilder } from "kysely";

/** An owner that nobody is: its next place is the head of the line. */
const newcomer = "\u0001";

/**
 * Common table expressions that say where jobs stand in the lines of their owners: start-time fair
 * queueing (Goyal, Vin, Cheng, SIGCOMM 1996) with the number of jobs as their length. An owner's next
 * job stands one turn behind the last of its line, and never before the first job that waits: who comes
 * late does not catch up on turns it did not ask for, and 50,000 jobs of one owner stand in one line
 * while the others pass. A weight of 2 makes a turn half as long.
 *
 * `placed` names an expression with id, queue, priority, owner and `nth`, its order of arrival. The
 * result is called `share`: id, fair, and the `head` of the line, where a new owner would stand (`comebackPlace`
 * is made of both, for those that come back: then `nth` must follow the places they had). Reads two
 * index entries for each line; locks nothing, so that two who enqueue at once for one owner may give the
 * same place twice, which is a tie.
 */
export function fairShares(placed: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    line AS MATERIALIZED (
      SELECT place.* FROM (
        SELECT array_agg(queue) AS queues, array_agg(priority) AS priorities, array_agg(owner_key) AS owners
        FROM (
          SELECT queue, priority, coalesce(owner, '') AS owner_key FROM ${placed} AS placed
          UNION SELECT queue, priority, ${newcomer} FROM ${placed} AS placed) AS lines
      ) AS all_lines, LATERAL next_places(queues, priorities, owners) AS place
    ), share AS (
      SELECT placed.id, first_of_all.first_fair AS head, line.first_fair + line.turn * (row_number() OVER (
        PARTITION BY placed.queue, placed.priority, coalesce(placed.owner, '') ORDER BY nth) - 1) AS fair
      FROM ${placed} AS placed JOIN line ON line.queue = placed.queue AND line.priority = placed.priority
        AND line.owner = coalesce(placed.owner, '')
      JOIN line AS first_of_all ON first_of_all.queue = placed.queue AND first_of_all.priority = placed.priority
        AND first_of_all.owner = ${newcomer}
    )`;
}

/**
 * Where a job stands that had its turn and comes back: where it stood, but not before the first that waits, nor
 * behind the end of its owner's line. Places count from 0 again when nobody waits. One from before that may be
 * far too early: it would be the head, from which new owners count and its own owner's next jobs, and they would
 * all go before those that waited meanwhile. Or far too late: it and its owner's next jobs would wait for all
 * that others have enqueued since. For an UPDATE of job with `share`.
 */
export const comebackPlace = sql`greatest(share.head, least(job.fair, share.fair))`;

/** The same for an UPDATE of one job, without `share`. */
export const comebackPlaceOfOne = sql`(
  SELECT greatest(min(first_fair), least(job.fair, max(first_fair))) FROM next_places(
    ARRAY[job.queue, job.queue], ARRAY[job.priority, job.priority], ARRAY[coalesce(job.owner, ''), ${newcomer}]::text[]))`;
