import { CONTRACT } from '../contract.js';

/** The path of the agent. */
export const AGENT = '/usr/bin/rsqlflow-agent';

/** The first SSM agent that supports `interpolationType` (release notes of amazon-ssm-agent). */
export const LEAST_SSM_AGENT = '3.3.2746.0';

/**
 * The lines that start the agent. An older SSM agent sets no variables. The usual alternative, to write `{{ … }}` into
 * the lines, would insert the values into the text of a shell script, so the step refuses instead.
 */
export const RUN_JOB_SHELL: readonly string[] = [
  '#!/bin/sh',
  'set -eu',
  `needs="the SSM agent is older than ${LEAST_SSM_AGENT}: update it with the document AWS-UpdateSSMAgent"`,
  ...CONTRACT.document.parameters.map(({ name, option }) => `${variable(option)}="\${SSM_${name}:?$needs}"`),
  `if [ ! -x ${AGENT} ]; then`,
  `  echo "${AGENT} is not installed" >&2`,
  '  exit 127',
  'fi',
  // With `=`, because an id may begin with `-`.
  `exec ${AGENT} run ${CONTRACT.document.parameters.map(({ option }) => `--${option}="$${variable(option)}"`).join(' ')}`,
];

/**
 * The command document that starts a job. The SSM agent passes the values of the parameters in environment variables,
 * and never in the text of the step.
 */
export function runJob(): unknown {
  return {
    schemaVersion: '2.2',
    description: 'Starts one attempt of a job of an rsqlflow workflow. Returns when the agent has accepted it.',
    parameters: Object.fromEntries(
      CONTRACT.document.parameters.map(({ name, description, pattern }) => [
        name,
        { type: 'String', description, allowedPattern: pattern, interpolationType: 'ENV_VAR' },
      ]),
    ),
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'runAgent',
        precondition: { StringEquals: ['platformType', 'Linux'] },
        // The agent detaches at once. A minute is for an instance that is short of memory.
        inputs: { timeoutSeconds: '60', runCommand: [...RUN_JOB_SHELL] },
      },
    ],
  };
}

/** `execution-id` as `execution_id`, a variable of the shell. */
function variable(option: string): string {
  return option.replaceAll('-', '_');
}
