import { describe, expect, test } from 'vitest';

import { SETTINGS } from '../lib/config/index.js';
import { BEGIN, END, withSettings } from '../lib/docs.js';
import { ALARM_KINDS } from '../lib/stacks/alarms.js';
import { EVERYTHING, VARIANTS, app, flat, repository, resources, template } from './support.js';

const ALARMS = resources(template('alarms', EVERYTHING), 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties);

describe('alarms', () => {
  test('notify the topic, and name their section of the runbook', () => {
    for (const alarm of ALARMS) {
      expect(flat((alarm['AlarmActions'] as unknown[])[0])).toMatch(/:team-notifications$/);
      expect(alarm['AlarmDescription']).toMatch(/docs\/runbook\.md#[a-z-]+$/);
    }
  });

  test('exist of every kind', () => {
    const kinds = ALARMS.map((alarm) => /#([a-z-]+)$/.exec(String(alarm['AlarmDescription']))?.[1]);
    expect(new Set(kinds)).toEqual(new Set(ALARM_KINDS));
  });

  test('run-late counts completed runs, and missing data raises the alarm', () => {
    const late = ALARMS.filter((alarm) => String(alarm['AlarmName']).startsWith('team-run-late'));
    expect(late.slice(0, 1)).toMatchObject([
      {
        AlarmName: 'team-run-late-nightly',
        MetricName: 'Completed-nightly',
        Namespace: 'rsqlflow/team',
        Period: 3600,
        EvaluationPeriods: 26,
        Threshold: 1,
        ComparisonOperator: 'LessThanThreshold',
        TreatMissingData: 'breaching',
      },
    ]);
  });

  test('for the others, missing data raises no alarm', () => {
    for (const alarm of ALARMS)
      if (!String(alarm['AlarmName']).includes('late')) expect(alarm['TreatMissingData']).toBe('notBreaching');
  });

  test('have metrics that exist', () => {
    const filters = resources(template('alarms', EVERYTHING), 'AWS::Logs::MetricFilter').flatMap(({ Properties }) =>
      (Properties['MetricTransformations'] as { MetricName: string; MetricNamespace: string }[]).map(
        ({ MetricName, MetricNamespace }) => `${MetricNamespace} ${String(MetricName)}`,
      ),
    );
    const watch = repository('cdk-config/machines/watch.asl.json');
    const rules = resources(template('orchestration', EVERYTHING), 'AWS::Events::Rule').map(
      ({ Properties }) => Properties['Name'],
    );
    const machines = ['master', 'closer'].map((name) => `stateMachine:team-${name}`);
    for (const { Namespace, MetricName, Dimensions } of ALARMS) {
      const dimension = flat((Dimensions as { Value: unknown }[] | undefined)?.[0]?.Value);
      if (Namespace === 'rsqlflow/team')
        expect(
          filters.includes(`rsqlflow/team ${String(MetricName)}`) ||
            watch.includes(`'MetricName': '${String(MetricName)}'`),
        ).toBe(true);
      else if (Namespace === 'AWS/Events') expect(rules).toContain(dimension);
      else if (Namespace === 'AWS/States')
        expect(machines).toContain(dimension.slice(dimension.indexOf('stateMachine:')));
      else
        expect([
          ['AWS/SQS', 'team-dead-letters'],
          ['AWS/Lambda', 'team-clock'],
        ]).toContainEqual([Namespace, dimension]);
    }
  });

  test('run-late exists for event starts too', () => {
    expect(ALARMS.find((alarm) => alarm['AlarmName'] === 'team-run-late-arrivals')).toMatchObject({
      MetricName: 'Completed-arrivals',
      EvaluationPeriods: 24,
      TreatMissingData: 'breaching',
    });
  });

  test('run-late counts only the runs of its schedule', () => {
    const patterns = resources(template('alarms', EVERYTHING), 'AWS::Logs::MetricFilter').map(
      ({ Properties }) => Properties['FilterPattern'],
    );
    expect(patterns).toContain('{ ($.status = "Completed") && ($.workflow_execution_id = "nightly_*") }');
    expect(patterns).toContain('{ ($.message = "launcher") && ($.retry > 0) }');
  });

  test('can be turned off', () => {
    expect(app(VARIANTS['existing']).node.tryFindChild('rsqlflow-alarms')).toBeUndefined();
  });
});

describe('the documentation', () => {
  test.each(ALARM_KINDS)('the runbook has a complete section for %s', (kind) => {
    const section = repository('docs/runbook.md')
      .split(/^## /m)
      .find((one) => one.startsWith(`${kind}\n`));
    expect(section).toBeDefined();
    expect([...(section ?? '').matchAll(/^\*\*(\w+)\.\*\*/gm)].map((match) => match[1])).toEqual([
      'Description',
      'Investigation',
      'Resolution',
    ]);
    expect(section).toContain('```');
  });

  test('the runbook has no other sections', () => {
    const sections = [...repository('docs/runbook.md').matchAll(/^## ([a-z-]+)$/gm)].map((match) => match[1]);
    expect(sections).toEqual([...ALARM_KINDS]);
  });

  test('has the current settings: `npm run docs` writes them', () => {
    const page = repository('docs/deploy.md');
    expect(page).toBe(withSettings(page));
    const documented = [
      ...page
        .split(BEGIN)[1]!
        .split(END)[0]!
        .matchAll(/^\| `(\w+)` \|/gm),
    ].map((match) => match[1]);
    expect(documented).toEqual(Object.keys(SETTINGS));
  });

  test.each([
    ['schedule', 'A schedule:', '## Starts by events'],
    ['event-start', '## Starts by events', '## Endpoints'],
    ['endpoints', '## Endpoints', '## Who may do what'],
  ])('has every field of what %s.ts reads', (file, from, to) => {
    const section = repository('docs/deploy.md').split(from)[1]?.split(to)[0] ?? '';
    const source = repository(`cdk-config/lib/config/${file}.ts`);
    const fields = [...source.matchAll(/object\.(?:need|take)\(\s*'(\w+)'/g)].map((match) => match[1]!);
    expect(fields.length).toBeGreaterThanOrEqual(4);
    expect(fields.filter((field) => !new RegExp(`["\`]${field}["\`]`).test(section))).toEqual([]);
  });
});
