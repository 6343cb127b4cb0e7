import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeEach, describe, expect, test } from 'vitest';

import { agentConfig } from '../lib/documents/agent-config.js';
import { CHECK_SHELL, installShell } from '../lib/documents/install-agent.js';
import { CONTRACT } from '../lib/contract.js';
import { AGENT, RUN_JOB_SHELL } from '../lib/documents/run-job.js';
import { Names } from '../lib/names.js';
import { EVERYTHING, VARIANTS, config, resources, template } from './support.js';

interface Document {
  readonly parameters?: Record<string, { allowedPattern: string; interpolationType: string; type: string }>;
  readonly mainSteps: { action: string; inputs: { runCommand?: string[]; sourceInfo?: unknown } }[];
}

function document(name: string, given?: object): Document {
  const found = resources(template('fleet', given), 'AWS::SSM::Document').find(
    ({ Properties }) => Properties['Name'] === name,
  );
  return found?.Properties['Content'] as Document;
}

describe('the document that starts a job', () => {
  const { parameters = {}, mainSteps } = document('rsqlflow-run-job');

  test('has the parameters of the contract, which the launcher passes', () => {
    const patterns = Object.entries(parameters).map(([name, { allowedPattern }]) => [name, allowedPattern]);
    expect(patterns).toEqual(CONTRACT.document.parameters.map(({ name, pattern }) => [name, pattern]));
  });

  test('passes values in the environment, never in the text', () => {
    for (const { type, interpolationType } of Object.values(parameters))
      expect([type, interpolationType]).toEqual(['String', 'ENV_VAR']);
    expect(JSON.stringify(mainSteps)).not.toContain('{{');
  });

  test('has patterns that mean the same in Java, Go and JavaScript', () => {
    for (const { allowedPattern } of Object.values(parameters)) {
      expect(allowedPattern).toMatch(/^\^(\[[^\]]+\]\{[\d,]+\}#?)+\$$/);
      // In Java `$` also matches before a final line feed, so the lines below must handle it.
      for (const hostile of HOSTILE)
        if (hostile !== '--help') expect(new RegExp(allowedPattern).test(hostile)).toBe(false);
    }
  });

  test('is the command line of the agent', () => {
    expect(RUN_JOB_SHELL.at(-1)).toMatch(
      /^exec \/usr\/bin\/rsqlflow-agent run --execution-id="\$execution_id" --job-id=/,
    );
  });
});

const HOSTILE = [
  '$(touch pwned)',
  '`touch pwned`',
  '"; touch pwned; "',
  "'; touch pwned; '",
  'a b\tc',
  'a\ntouch pwned',
  '--help',
  '*',
  '${IFS}touch${IFS}pwned',
  '\\',
  '%s%n',
  'é🙂',
];

const SHELLS = ['sh', 'dash', 'bash'];

describe.each(SHELLS)('%s', (shell) => {
  let folder: string;
  const folders: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rsqlflow-'));
    folders.push(folder);
  });

  afterAll(() => {
    for (const one of folders) rmSync(one, { recursive: true });
  });

  function program(path: string, text: string): string {
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    return path;
  }

  /** An agent that records its arguments, each with a final NUL. */
  function agent(): string {
    return program(join(folder, 'agent'), `#!/bin/bash\nprintf '%s\\0' "$@" >>"${folder}/called"\n`);
  }

  function called(): string[] {
    const path = join(folder, 'called');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\0').slice(0, -1) : [];
  }

  function run(lines: readonly string[], env: Record<string, string>) {
    const script = program(join(folder, 'script'), lines.join('\n'));
    return spawnSync(shell, [script], {
      cwd: folder,
      env: { PATH: `${folder}/bin:/usr/bin:/bin`, ...env },
      encoding: 'utf8',
    });
  }

  /** The environment that SSM sets for these parameters. */
  const given = (value: string) =>
    Object.fromEntries(CONTRACT.document.parameters.map(({ name }) => [`SSM_${name}`, value]));

  const withAgent = (path: string) => RUN_JOB_SHELL.map((line) => line.replaceAll(AGENT, path));

  test.each(HOSTILE)('passes %j unchanged', (value) => {
    const { status, stderr } = run(withAgent(agent()), given(value));
    expect([status, stderr]).toEqual([0, '']);
    expect(called()).toEqual(['run', ...CONTRACT.document.parameters.map(({ option }) => `--${option}=${value}`)]);
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });

  test('refuses when an old SSM agent sets no variables', () => {
    const { status, stderr } = run(withAgent(agent()), {});
    expect(status).not.toBe(0);
    expect(stderr).toContain('update it with the document AWS-UpdateSSMAgent');
    expect(called()).toEqual([]);
  });

  test('reports that the agent is missing, and never asks for a reboot', () => {
    const { status, stderr } = run(withAgent(join(folder, 'nowhere')), given('1'));
    expect([status, stderr]).toEqual([127, `${folder}/nowhere is not installed\n`]);
  });

  describe('installing', () => {
    const settings = agentConfig(
      config({ ...EVERYTHING, script_dir: '/opt/$(reboot)/`x`/"y"' }),
      new Names(config(EVERYTHING)),
    );

    /** The lines, with every path of the system inside the directory of the test. */
    function install(digest: string) {
      const lines = installShell([{ kind: 'deb', url: 'https://s3.example/x.deb', sha256: digest }], settings).map(
        (line) =>
          line
            .replaceAll(AGENT, `${folder}/agent`)
            .replaceAll('/etc/rsqlflow', `${folder}/etc`)
            .replaceAll('/var/lib/rsqlflow-package', `${folder}/installed`)
            .replaceAll('/etc/redhat-release', `${folder}/no`)
            .replaceAll('/etc/system-release', `${folder}/no`),
      );
      mkdirSync(join(folder, 'bin'), { recursive: true });
      program(join(folder, 'bin/dpkg'), `#!/bin/sh\necho "$@" >>${folder}/dpkg\n`);
      mkdirSync(join(folder, 'rsqlflow-package'), { recursive: true });
      writeFileSync(join(folder, 'rsqlflow-package/rsqlflow-agent.deb'), 'package\n');
      return run(lines, { SSM_Deployment: '0123456789abcdef' });
    }

    function digest(): string {
      return spawnSync('sha256sum', [], { input: 'package\n', encoding: 'utf8' }).stdout.slice(0, 64);
    }

    test('installs once, and writes the settings unchanged', () => {
      agent();
      for (let i = 0; i < 2; i += 1) expect(install(digest())).toMatchObject({ status: 0, stderr: '' });
      expect(readFileSync(join(folder, 'dpkg'), 'utf8')).toBe(
        '--force-confdef --force-confold -i rsqlflow-package/rsqlflow-agent.deb\n',
      );
      expect(readFileSync(join(folder, 'etc/agent.toml'), 'utf8')).toBe(settings);
      expect(called()).toEqual(['--version', 'status', '--version', 'status']);
    });

    test('refuses a package that is not the deployed one', () => {
      agent();
      expect(install('0'.repeat(64))).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('not the deployed one') as string,
      });
      expect(existsSync(join(folder, 'dpkg'))).toBe(false);
    });

    test('reports an old SSM agent, and an instance without an agent', () => {
      const lines = installShell([], settings).map((line) => line.replaceAll(AGENT, `${folder}/agent`));
      expect(run(lines, {})).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('AWS-UpdateSSMAgent') as string,
      });
      expect(run(lines, { SSM_Deployment: '0123456789abcdef' })).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('no agent package') as string,
      });
    });
  });

  test('the check runs the agent, and fails without one', () => {
    const check = (path: string) => CHECK_SHELL.map((line) => line.replaceAll(AGENT, path));
    expect(run(check(agent()), {}).status).toBe(0);
    expect(called()).toEqual(['status']);
    expect(run(check(join(folder, 'nowhere')), {})).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not installed') as string,
    });
  });
});

describe('associations', () => {
  test('install and check on every target', () => {
    const found = resources(template('fleet', EVERYTHING), 'AWS::SSM::Association').map(({ Properties }) => [
      Properties['Name'],
      Properties['Targets'],
      Properties['ScheduleExpression'],
    ]);
    const etl = [{ Key: 'tag:Role', Values: ['etl'] }];
    const ids = [{ Key: 'InstanceIds', Values: ['i-0123456789abcdef0', 'mi-0123456789abcdef0'] }];
    const both = [
      { Key: 'tag:Team', Values: ['a'] },
      { Key: 'tag:Stage', Values: ['prod'] },
    ];
    expect(found).toEqual(
      [etl, ids, both].flatMap((targets) => [
        ['team-install-agent', targets, 'rate(1 day)'],
        ['team-check-agent', targets, 'rate(30 minutes)'],
      ]),
    );
  });

  test('download the packages of the deployment, with their digests', () => {
    const { mainSteps } = document('rsqlflow-install-agent');
    expect(mainSteps.map(({ action }) => action)).toEqual([
      'aws:downloadContent',
      'aws:downloadContent',
      'aws:runShellScript',
    ]);
    const shell = mainSteps.at(-1)?.inputs.runCommand?.join('\n');
    expect(shell).toMatch(/wanted=[0-9a-f]{64}/);
  });

  test.each([
    [{}, []],
    [EVERYTHING, ['log_retention = "1d12h"', 'cancel_poll = "15s"']],
    [VARIANTS['existing'], ['log_retention = "0s"', 'cancel_poll = "0s"']],
  ])('write the times of the agent if they are set: %#', (given, written) => {
    const { prefix } = config(given);
    const { mainSteps } = document(`${prefix}-install-agent`, given);
    const lines = mainSteps.at(-1)?.inputs.runCommand ?? [];
    expect(lines.filter((line) => /^(log_retention|cancel_poll) = /.test(line))).toEqual(written);
  });

  test('run at once when package or settings change, and only then', () => {
    const value = (given?: object) => {
      const found = resources(template('fleet', given), 'AWS::SSM::Association').find(({ Properties }) =>
        String(Properties['Name']).endsWith('install-agent'),
      );
      return (found?.Properties['Parameters'] as { Deployment: string[] }).Deployment[0];
    };
    expect(value({})).toBe(value());
    const others = [{ max_jobs: 3 }, { agent_deb: false }, { cancel_poll: '1m' }, { local_log_retention: '1d' }];
    expect(new Set([value(), ...others.map(value)]).size).toBe(5);
    const { parameters = {} } = document('rsqlflow-install-agent');
    expect(value()).toMatch(new RegExp(parameters['Deployment']?.allowedPattern ?? 'none'));
  });

  test('may have only one package', () => {
    expect(document('rsqlflow-install-agent', VARIANTS['existing']).mainSteps).toHaveLength(2);
  });
});

test('VPC endpoints are created only if they are configured: they are billed by the hour', () => {
  template('fleet').resourceCountIs('AWS::EC2::VPCEndpoint', 0);
  template('fleet', EVERYTHING).resourceCountIs('AWS::EC2::VPCEndpoint', 8);
});
