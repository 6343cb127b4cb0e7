import { createHash } from 'node:crypto';

import { AGENT, LEAST_SSM_AGENT } from './run-job.js';
import { AGENT_CONFIG } from './agent-config.js';

/** A package as an instance fetches it. */
export interface AgentPackage {
  readonly kind: 'rpm' | 'deb';
  /** `https://s3.…`; SSM fetches it with the instance's own role. */
  readonly url: string;
  readonly sha256: string;
}

/** Ends the settings in the step's text. They are TOML with texts in JSON, so no line of theirs can be this one. */
const END = 'END-OF-RSQLFLOW-AGENT-TOML';

/** Where packages are fetched to, below the SSM agent's own folder of a command. */
const FETCHED = 'rsqlflow-package';

/** Tells packages and settings from others. */
export function deploymentHash(packages: readonly AgentPackage[], settings: string): string {
  const hash = createHash('sha256').update(settings);
  for (const { kind, sha256 } of packages) hash.update(`\0${kind}\0${sha256}`);
  return hash.digest('hex').slice(0, 16);
}

/** The lines that install what was fetched. */
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
    // The package would look before the settings are there.
    'export RSQLFLOW_DEPLOYS=1',
    `[ -n "\${SSM_Deployment:-}" ] || fail "the SSM agent is older than ${LEAST_SSM_AGENT}: update it with the document AWS-UpdateSSMAgent"`,
    'kind=',
    'if command -v rpm >/dev/null 2>&1 && { [ -e /etc/redhat-release ] || [ -e /etc/system-release ]; }; then kind=rpm',
    'elif command -v dpkg >/dev/null 2>&1; then kind=deb; fi',
    'wanted=',
    ...install,
    `installed=$(cat /var/lib/rsqlflow-package 2>/dev/null || true)`,
    `if [ -z "$wanted" ]; then`,
    `  [ -x ${AGENT} ] || fail "there is no package of the agent for this instance, and none is installed: build it and deploy again"`,
    `elif [ "$installed" != "$wanted" ] || [ ! -x ${AGENT} ]; then`,
    '  echo "$wanted  $package" | sha256sum -c - >/dev/null || fail "the package is not the one that was deployed"',
    '  case "$kind" in',
    '    rpm) rpm -U --replacepkgs --oldpackage "$package" ;;',
    '    # The settings are written anew below, so what stood there is no question to ask.',
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

/** The command document that installs the agent and its settings, and does nothing where both are as they should be. */
export function installAgent(packages: readonly AgentPackage[], settings: string): unknown {
  const linux = { StringEquals: ['platformType', 'Linux'] };
  return {
    schemaVersion: '2.2',
    description: "Installs the rsqlflow agent and its settings, and keeps both as the deployment's.",
    // With another value an association runs at once; and it tells whether the SSM agent gives parameters in the
    // environment, as the document of jobs needs it.
    parameters: {
      Deployment: {
        type: 'String',
        description: 'Which packages and settings',
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

/** The lines that look whether the agent is healthy. */
export const CHECK_SHELL: readonly string[] = [
  '#!/bin/sh',
  'set -eu',
  `if [ ! -x ${AGENT} ]; then`,
  `  echo "${AGENT} is not installed" >&2`,
  '  exit 1',
  'fi',
  `exec ${AGENT} status`,
];

/** The command document that fails where the agent is missing, or cannot read its settings or its spool. */
export function checkAgent(): unknown {
  return {
    schemaVersion: '2.2',
    description: 'Looks whether the rsqlflow agent is installed, and its settings and spool can be read.',
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
