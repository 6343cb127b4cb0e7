/** Where the packages put the agent. */
export const AGENT = '/usr/bin/rsqlflow-agent';

/** The SSM agent from which on `interpolationType` is known (release notes of amazon-ssm-agent). */
export const LEAST_SSM_AGENT = '3.3.2746.0';

/** A parameter of a command document, whose value the step finds in its environment and never in its text. */
function parameter(description: string, allowedPattern: string): Record<string, string> {
  return { type: 'String', description, allowedPattern, interpolationType: 'ENV_VAR' };
}

/**
 * The lines that start the agent. An older SSM agent sets no variables; its users' usual way out, to put `{{ … }}`
 * where the variable is missing, would make text of the shell out of the values again, so the step refuses instead.
 */
export const RUN_JOB_SHELL: readonly string[] = [
  '#!/bin/sh',
  'set -eu',
  `needs="the SSM agent is older than ${LEAST_SSM_AGENT}: update it with the document AWS-UpdateSSMAgent"`,
  'execution="${SSM_ExecutionId:?$needs}"',
  'job="${SSM_JobId:?$needs}"',
  'attempt="${SSM_Attempt:?$needs}"',
  `if [ ! -x ${AGENT} ]; then`,
  `  echo "${AGENT} is not installed" >&2`,
  '  exit 127',
  'fi',
  // With `=`, because an id may begin with `-`.
  `exec ${AGENT} run --execution-id="$execution" --job-id="$job" --attempt="$attempt"`,
];

/**
 * The command document that starts a job. Patterns must mean the same to Java, which checks them when the command is
 * sent, and to Go, which checks them on the instance (Systems Manager user guide, "Data elements and parameters").
 */
export function runJob(): unknown {
  return {
    schemaVersion: '2.2',
    description: 'Starts one attempt of a job of an rsqlflow workflow. Returns as soon as the agent has taken it.',
    parameters: {
      ExecutionId: parameter('The run: workflow_execution_id', '^[A-Za-z0-9_-]{1,60}$'),
      JobId: parameter('The job: stage and position, as 0003#00017', '^[0-9]{4}#[0-9]{5}$'),
      Attempt: parameter('The attempt, from 1', '^[0-9]{1,9}$'),
    },
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'runAgent',
        precondition: { StringEquals: ['platformType', 'Linux'] },
        // The agent detaches at once; a minute is for a machine that is out of memory.
        inputs: { timeoutSeconds: '60', runCommand: [...RUN_JOB_SHELL] },
      },
    ],
  };
}
