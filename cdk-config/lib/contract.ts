/**
 * `core/contract.json`: names, rules, limits and permissions that the Rust code generates. This app repeats none of
 * them.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { HOME } from './package.js';

/** A table, by its role. */
export type TableName = 'config' | 'workflow_audit' | 'job_audit';

/** What a permission is for. */
export type PermissionTarget =
  | 'tasks'
  | 'targets'
  | 'topics'
  | 'dead_letters'
  | 'warehouses'
  | 'log_group'
  | 'anything'
  | { readonly table: TableName }
  | { readonly index: TableName }
  | { readonly machine: readonly string[] }
  | { readonly executions: readonly string[] };

/** Actions that a function's role allows. */
export interface Permission {
  readonly on: PermissionTarget;
  readonly actions: readonly string[];
}

/** A Lambda function. */
export interface FunctionFacts {
  /** The value of `_HANDLER`, and the end of the function's name. */
  readonly handler: string;
  readonly description: string;
  /** The environment variable that holds its name. */
  readonly variable: string;
  readonly timeout_seconds: number;
  readonly permissions: readonly Permission[];
}

/** A state machine that runs workflows. */
export interface MachineFacts {
  readonly name: string;
  readonly variable: string;
  readonly arn_variable: string;
  /** Whether its tasks wait for agents. */
  readonly runs_jobs: boolean;
}

/** A table. All keys are strings. */
export interface TableFacts {
  readonly variable: string;
  /** The end of its default name. */
  readonly suffix: string;
  readonly partition: string;
  readonly sort: string | null;
  readonly indexes: readonly {
    readonly name: string;
    readonly partition: string;
    readonly sort: string;
    readonly columns: readonly string[];
  }[];
  readonly expires: boolean;
}

/** A rule of a text. */
export interface RuleFacts {
  readonly pattern: string;
  readonly most_bytes?: number;
  readonly message: string;
  readonly hint?: string;
}

interface Contract {
  readonly prefix: string;
  readonly log_group: string;
  readonly environment: readonly string[];
  readonly functions: readonly FunctionFacts[];
  readonly machines: readonly MachineFacts[];
  readonly tables: Readonly<Record<TableName, TableFacts>>;
  readonly expiry: string;
  readonly agent_attributes: readonly string[];
  readonly document: {
    readonly suffix: string;
    readonly parameters: readonly {
      readonly name: string;
      readonly description: string;
      readonly pattern: string;
      readonly option: string;
    }[];
  };
  /** In seconds. */
  readonly timing: {
    readonly shortest_heartbeat: number;
    readonly longest_heartbeat: number;
    readonly default_heartbeat: number;
    readonly longest_timeout: number;
    readonly default_timeout: number;
    readonly default_queueing: number;
    readonly longest_queueing: number;
  };
  readonly durations: {
    readonly accepted: string;
    readonly longest_seconds: number;
    readonly units: readonly { readonly seconds: number; readonly names: readonly string[] }[];
  };
  readonly rules: Readonly<Record<RuleName, RuleFacts>>;
  readonly built_in_parameters: readonly string[];
  /** Error names of functions and tasks. */
  readonly errors: { readonly retried: readonly string[]; readonly of_job: readonly string[] };
  readonly run_ended: { readonly detail_type: string; readonly statuses: readonly string[] };
  readonly agent: {
    readonly settings: readonly string[];
    readonly rsql_clients: readonly string[];
    readonly default_cancel_poll_seconds: number;
    readonly default_log_retention_seconds: number;
  };
  readonly log_lines: {
    readonly launched: string;
    readonly launched_retry: string;
    readonly closed_run: string;
    readonly closed_status: string;
  };
}

/** A rule that the Rust code checks too. */
export type RuleName =
  | 'prefix'
  | 'table'
  | 'log_group'
  | 'secret'
  | 'warehouse'
  | 'instance_id'
  | 'topic_arn'
  | 'parameter_name'
  | 'workflow_id'
  | 'start_name'
  | 'event_path';

/** The contract. */
export const CONTRACT = JSON.parse(readFileSync(resolve(HOME, '../core/contract.json'), 'utf8')) as Contract;

/** Handlers of the functions. */
export const FUNCTIONS = CONTRACT.functions.map(({ handler }) => handler);

/** State machines that run workflows. */
export const MACHINES = CONTRACT.machines.map(({ name }) => name);

/** State machines whose tasks wait for agents. */
export const JOB_MACHINES = CONTRACT.machines.filter((one) => one.runs_jobs).map(({ name }) => name);

/** Tables. */
export const TABLES = Object.keys(CONTRACT.tables) as TableName[];
