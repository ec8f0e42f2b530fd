import { sql } from "kysely";

/**
 * Expressions for the SELECT that begins a transaction: its statements read lines of jobs in the order of
 * an index, whatever the statistics say. Those are old whenever a line fills or drains, and a plan that
 * reads all of a line of 100,000 to sort it looks as good. They end with the transaction. The cost that
 * marks an avoided plan must not make the server compile the statement.
 */
export const planSettings = sql`
  set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
  set_config('enable_sort', 'off', true), set_config('jit', 'off', true)`;
