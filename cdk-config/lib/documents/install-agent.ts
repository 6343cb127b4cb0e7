import { createHash } from 'node:crypto';

import { AGENT, LEAST_SSM_AGENT } from './run-job.js';
import { AGENT_CONFIG } from './agent-config.js';

/** A package as an instance downloads it. */
export interface AgentPackage {
  readonly kind: 'rpm' | 'deb';
  /** `https://s3.…`. SSM downloads it with the role of the instance. */
  readonly url: string;
  readonly sha256: string;
}

/** Ends the settings in the text of the step. They are TOML with JSON strings, so none of their lines can be this one. */
const END = 'END-OF-RSQLFLOW-AGENT-TOML';

/** Where packages are downloaded to, in the directory of the command. */
const FETCHED = 'rsqlflow-package';

/** Identifies packages and settings. */
export function deploymentHash(packages: readonly AgentPackage[], settings: string): string {
  const hash = createHash('sha256').update(settings);
  for (const { kind, sha256 } of packages) hash.update(`\0${kind}\0${sha256}`);
  return hash.digest('hex').slice(0, 16);
}

/** The lines that install a downloaded package and the settings. */
export function installShell(packages: readonly AgentPackage[], settings: string): string[] {
  const install = packages.flatMap(({ kind, sha256 }) => [
    `if [ "$kind" = ${kind} ]; then`,
    `  wanted=${sha256}`,
    `  package=${FETCHED}/rsqlflow-agent.${kind}`,
    'fi',
  ]);
  return [
    '#!/bin/sh',
    'set -eu',
    'umask 022',
    'fail() { echo "$1" >&2; exit 1; }',
    // Otherwise the package would check the settings before they are written.
    'export RSQLFLOW_DEPLOYS=1',
    `[ -n "\${SSM_Deployment:-}" ] || fail "the SSM agent is older than ${LEAST_SSM_AGENT}: update it with the document AWS-UpdateSSMAgent"`,
    'kind=',
    'if command -v rpm >/dev/null 2>&1 && { [ -e /etc/redhat-release ] || [ -e /etc/system-release ]; }; then kind=rpm',
    'elif command -v dpkg >/dev/null 2>&1; then kind=deb; fi',
    'wanted=',
    ...install,
    `installed=$(cat /var/lib/rsqlflow-package 2>/dev/null || true)`,
    `if [ -z "$wanted" ]; then`,
    `  [ -x ${AGENT} ] || fail "the deployment has no agent package for this instance, and no agent is installed: build the package and deploy again"`,
    `elif [ "$installed" != "$wanted" ] || [ ! -x ${AGENT} ]; then`,
    '  echo "$wanted  $package" | sha256sum -c - >/dev/null || fail "the package is not the deployed one"',
    '  case "$kind" in',
    '    rpm) rpm -U --replacepkgs --oldpackage "$package" ;;',
    '    # The settings are written below, so dpkg must not ask about the old ones.',
    '    deb) DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold -i "$package" ;;',
    '  esac',
    '  echo "$wanted" >/var/lib/rsqlflow-package',
    '  echo "installed $package"',
    'fi',
    `mkdir -p ${AGENT_CONFIG.replace(/\/[^/]*$/, '')}`,
    `cat >${AGENT_CONFIG}.new <<'${END}'`,
    ...settings.trimEnd().split('\n'),
    END,
    `mv ${AGENT_CONFIG}.new ${AGENT_CONFIG}`,
    `${AGENT} --version`,
    `${AGENT} status`,
  ];
}

/** The command document that installs the agent and its settings, and does nothing if both are current. */
export function installAgent(packages: readonly AgentPackage[], settings: string): unknown {
  const linux = { StringEquals: ['platformType', 'Linux'] };
  return {
    schemaVersion: '2.2',
    description: 'Installs the rsqlflow agent and its settings, and keeps both current.',
    // A new value makes the association run at once. The step also checks whether the SSM agent passes parameters in
    // the environment, which the document of jobs needs.
    parameters: {
      Deployment: {
        type: 'String',
        description: 'Identifies packages and settings',
        allowedPattern: '^[0-9a-f]{16}$',
        interpolationType: 'ENV_VAR',
      },
    },
    mainSteps: [
      ...packages.map(({ kind, url }) => ({
        action: 'aws:downloadContent',
        name: `fetch_${kind}`,
        precondition: linux,
        inputs: {
          sourceType: 'S3',
          sourceInfo: `{"path": "${url}"}`,
          destinationPath: `${FETCHED}/rsqlflow-agent.${kind}`,
        },
      })),
      {
        action: 'aws:runShellScript',
        name: 'install',
        precondition: linux,
        inputs: { timeoutSeconds: '600', runCommand: installShell(packages, settings) },
      },
    ],
  };
}

/** The lines that check the agent. */
export const CHECK_SHELL: readonly string[] = [
  '#!/bin/sh',
  'set -eu',
  `if [ ! -x ${AGENT} ]; then`,
  `  echo "${AGENT} is not installed" >&2`,
  '  exit 1',
  'fi',
  `exec ${AGENT} status`,
];

/** The command document that fails if the agent is missing, or cannot read its settings or its spool. */
export function checkAgent(): unknown {
  return {
    schemaVersion: '2.2',
    description: 'Checks whether the rsqlflow agent is installed and can read its settings and its spool.',
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'check',
        precondition: { StringEquals: ['platformType', 'Linux'] },
        inputs: { timeoutSeconds: '60', runCommand: [...CHECK_SHELL] },
      },
    ],
  };
}
