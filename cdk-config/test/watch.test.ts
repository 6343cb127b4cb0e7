/** The expressions of `watch`, evaluated as Step Functions does (developer guide, "Transforming data with JSONata"). */
import jsonata from 'jsonata';
import { describe, expect, test } from 'vitest';

import { repository } from './support.js';

interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly Default?: string;
  readonly Arguments?: unknown;
  readonly Assign?: Record<string, unknown>;
  readonly Output?: unknown;
  readonly Items?: unknown;
  readonly Choices?: { Condition: string; Next: string }[];
  readonly ItemProcessor?: Machine;
}

interface Machine {
  readonly StartAt: string;
  readonly States: Record<string, State>;
}

const MACHINE = JSON.parse(
  repository('cdk-config/machines/watch.asl.json')
    .replaceAll('${MasterMachineArn}', 'master-arn')
    .replaceAll('${JobAuditTable}', 'jobs')
    .replaceAll('${Metrics}', 'rsqlflow/x'),
) as Machine;

/** The response of a service to the call of a state with these arguments. */
type Call = (state: string, args: Record<string, unknown>) => unknown;

async function evaluate(value: unknown, bindings: Record<string, unknown>): Promise<unknown> {
  if (typeof value === 'string' && value.startsWith('{%'))
    return jsonata(value.slice(2, -2)).evaluate(undefined, bindings) as Promise<unknown>;
  return value;
}

async function run(
  machine: Machine,
  given: unknown,
  call: Call,
  outer: Record<string, unknown> = {},
): Promise<unknown> {
  const variables: Record<string, unknown> = { ...outer };
  let input = given;
  for (let name: string | undefined = machine.StartAt; name !== undefined;) {
    const state: State | undefined = machine.States[name];
    if (state === undefined) throw new Error(`the state machine has no state ${name}`);
    const bind = (result?: unknown) => ({ ...variables, states: { input, result } });
    let result: unknown;
    let next: string | undefined = state.Next;
    if (state.Type === 'Task')
      result = call(name, (await evaluate(state.Arguments, bind())) as Record<string, unknown>);
    if (state.Type === 'Map') {
      const items = (await evaluate(state.Items, bind())) as unknown[];
      expect(Array.isArray(items)).toBe(true);
      result = await Promise.all([...items].map((item) => run(state.ItemProcessor as Machine, item, call, variables)));
    }
    if (state.Type === 'Choice') {
      next = state.Default;
      for (const choice of [...(state.Choices ?? [])].reverse()) {
        if ((await evaluate(choice.Condition, bind())) === true) next = choice.Next;
      }
    }
    const assigned: Record<string, unknown> = {};
    for (const [variable, value] of Object.entries(state.Assign ?? {}))
      assigned[variable] = await evaluate(value, bind(result));
    if (state.Output !== undefined) input = await evaluate(state.Output, bind(result));
    else if (state.Type === 'Map') input = result;
    Object.assign(variables, assigned);
    name = next;
  }
  return input;
}

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();

const executions = (...ages: [string, number][]) =>
  ages.map(([Name, age]) => ({ Name, StartDate: ago(age), Status: 'RUNNING' }));

interface Metrics {
  Namespace: string;
  MetricData: { MetricName: string; Value: number }[];
}

async function measure(
  pages: unknown[],
  jobs: Record<string, unknown[]>,
): Promise<{ written: Metrics | undefined; calls: [string, Record<string, unknown>][] }> {
  const calls: [string, Record<string, unknown>][] = [];
  let written: Metrics | undefined;
  await run(MACHINE, {}, (state, args) => {
    calls.push([state, args]);
    if (state === 'ListRuns') return pages.shift();
    if (state === 'RunningJobs')
      return jobs[
        ((args['ExpressionAttributeValues'] as Record<string, { S: string }>)[':run'] as { S: string }).S
      ]?.shift();
    written = args as unknown as Metrics;
    return {};
  });
  return { written, calls };
}

const values = (written: Metrics | undefined) =>
  written?.MetricData.map(({ MetricName, Value }) => [MetricName, Math.round(Value / 10) * 10]);

describe('watch', () => {
  test('writes no metrics if no run is running', async () => {
    const { written, calls } = await measure([{ Executions: [] }], {});
    expect(written).toBeUndefined();
    expect(calls).toEqual([['ListRuns', { StateMachineArn: 'master-arn', StatusFilter: 'RUNNING', MaxResults: 100 }]]);
  });

  test('writes the age of the only run and of its only job', async () => {
    const { written } = await measure([{ Executions: executions(['a', 600]) }], {
      a: [{ Items: [{ execution_start_ts: { S: ago(300) } }] }],
    });
    expect(written?.Namespace).toBe('rsqlflow/x');
    expect(values(written)).toEqual([
      ['OldestRun', 600],
      ['OldestJob', 300],
    ]);
  });

  test('finds the oldest in all runs and pages', async () => {
    const { written, calls } = await measure(
      [{ Executions: executions(['a', 60], ['b', 120]), NextToken: 't' }, { Executions: executions(['c', 3600]) }],
      {
        a: [{ Items: [] }],
        b: [
          { Items: [{ execution_start_ts: { S: ago(100) } }], LastEvaluatedKey: { k: { S: '1' } } },
          { Items: [{ execution_start_ts: { S: ago(110) } }, { execution_start_ts: { S: ago(90) } }] },
        ],
        c: [{ Items: [{ execution_start_ts: { S: ago(50) } }] }],
      },
    );
    expect(values(written)).toEqual([
      ['OldestRun', 3600],
      ['OldestJob', 110],
    ]);
    expect(calls[1]?.[1]).toMatchObject({ NextToken: 't' });
    expect(
      calls.filter(([, args]) => 'ExclusiveStartKey' in args).map(([, args]) => args['ExclusiveStartKey']),
    ).toEqual([{ k: { S: '1' } }]);
  });

  test('writes only the age of the run if no job is running', async () => {
    const { written } = await measure([{ Executions: executions(['a', 600]) }], { a: [{ Items: [] }] });
    expect(values(written)).toEqual([['OldestRun', 600]]);
  });
});
