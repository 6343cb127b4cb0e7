/** Keys, indexes and expiry of the tables. */

/** A table. Keys are texts. */
export interface Shape {
  readonly partition: string;
  readonly sort?: string;
  readonly index?: { readonly name: string; readonly partition: string; readonly columns: readonly string[] };
  /** Whether its rows expire. */
  readonly expires: boolean;
}

/** Column with the second since 1970 after which a row may go. */
export const EXPIRY = 'expires_at';

/** The tables as `store/src/schema.rs` makes them on one machine; a test holds the two to each other. */
export const SHAPES = {
  config: { partition: 'workflow_id', expires: false },
  workflowAudit: {
    partition: 'workflow_execution_id',
    index: {
      name: 'workflow_id-index',
      partition: 'workflow_id',
      columns: ['execution_status', 'execution_end_ts', 'error_message', 'restarted_from'],
    },
    expires: true,
  },
  jobAudit: {
    partition: 'workflow_execution_id',
    sort: 'job_id',
    index: {
      name: 'job_name-index',
      partition: 'job_name',
      columns: ['workflow_id', 'execution_status', 'execution_end_ts', 'exit_code'],
    },
    expires: true,
  },
} as const satisfies Record<string, Shape>;
