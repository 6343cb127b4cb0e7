export { showDuration } from './duration.js';
export type { VpcEndpoints } from './endpoints.js';
export { type EventStart, inputTemplate } from './event-start.js';
export { ConfigError, showProblem } from './problem.js';
export { CONTEXT_KEY, readConfig } from './read.js';
export type { Schedule } from './schedule.js';
export { SETTINGS, type Config } from './settings.js';
export type { Target } from './target.js';
