import { showDuration } from './duration.js';

/**
 * Times of a deployment in seconds. Their sense, and why these inequalities, stands in `core/src/timing.rs`, whose
 * defaults these are; a test holds the two to each other.
 */
export const TIMING = {
  lambdaTimeout: 20,
  ssmDelivery: 30,
  agentStart: 5,
  clockMargin: 5,
  stopGrace: 10,
  renewalLatency: 5,
  machineRetryDelay: 60,
} as const;

/** The longest heartbeat. */
export const MAX_HEARTBEAT = 24 * 3_600;

/** The longest timeout of a try: `MAX_TIMEOUT` in `core/src/config/limits.rs`. */
export const MAX_TIMEOUT = 365 * 24 * 3_600;

function fits(heartbeat: number): boolean {
  const t = TIMING;
  const third = heartbeat / 3;
  return (
    t.lambdaTimeout + Math.max(t.ssmDelivery, Math.ceil(third)) + t.agentStart < heartbeat &&
    t.lambdaTimeout + third + t.renewalLatency < heartbeat &&
    third + t.renewalLatency + t.stopGrace < heartbeat - t.clockMargin &&
    heartbeat + t.machineRetryDelay + t.lambdaTimeout + third < 3 * heartbeat
  );
}

/** The shortest heartbeat that leaves room for a launch, a renewal and a stop. */
export function smallestHeartbeat(): number {
  let seconds = 1;
  while (!fits(seconds)) seconds += 1;
  return seconds;
}

/** What is wrong with a heartbeat; `undefined` if it will do. */
export function tooShort(heartbeat: number): { message: string; mend: string } | undefined {
  if (fits(heartbeat)) return undefined;
  return {
    message: `${showDuration(heartbeat)} is too short: it must cover the launch, the delivery by SSM and the agent's start`,
    mend: `the shortest heartbeat for this deployment is ${showDuration(smallestHeartbeat())}`,
  };
}
