/** Rules of texts. Those that the functions and the agent check too come from the contract. */

import { CONTRACT, type RuleName } from '../contract.js';
import type { Broken, Rule } from './reader.js';

/** A rule of the contract. */
export function ruleOf(name: RuleName): Rule {
  const { pattern, most_bytes, message, hint } = CONTRACT.rules[name];
  const matcher = new RegExp(pattern, 'u');
  return (text) => {
    const fits = matcher.test(text) && (most_bytes === undefined || Buffer.byteLength(text) <= most_bytes);
    return fits ? undefined : hint === undefined ? { message } : { message, hint };
  };
}

function matches(pattern: RegExp, message: string, hint?: string): Rule {
  return (text) => (pattern.test(text) ? undefined : hint === undefined ? { message } : { message, hint });
}

/** Refuses a placeholder of AWS's sample. */
function except(placeholder: string, hint: string, rule: Rule): Rule {
  return (text): Broken =>
    text === placeholder ? { message: "is a placeholder of AWS's sample", hint: `write ${hint}` } : rule(text);
}

/** Start of every default name. */
export const prefix = ruleOf('prefix');

/** Name of a table. */
export const table = ruleOf('table');

/** Name of a log group. */
export const logGroup = ruleOf('log_group');

/** Name or ARN of a secret. */
export const secret = except('secret-name', 'the name of the secret of your database', ruleOf('secret'));

/** Name or ARN of a secret, where `*` stands for any text. */
export const secretPattern = matches(
  /^[A-Za-z0-9/_+=.@:!-][A-Za-z0-9/_+=.@:!*-]{0,2047}$/,
  'is not a name, ARN or pattern of secrets',
  'write a name such as etl/redshift, or a pattern such as etl/*',
);

/** The name by which workflows know a warehouse. */
export const warehouse = ruleOf('warehouse');

/** Identifier of a cluster, or name of a workgroup (Redshift and Redshift Serverless API references). */
export const redshiftName = matches(
  /^[a-z0-9-]{1,64}$/,
  'is not a name of a cluster or workgroup',
  'use at most 64 lower-case letters, digits and -',
);

/** The id of a workgroup, which is the end of its ARN. */
export const workgroupId = matches(/^[A-Za-z0-9-]{1,64}$/, 'is not the id of a workgroup', 'write the end of its ARN');

/** A database or its user. Policies read `*` and `?` as wildcards. */
export const database = matches(/^[^*?$\p{Cc}]{1,127}$/u, 'is not a name of a database or user');

/** An EC2 instance, or a managed node outside EC2. */
export const instanceId = except('i-xxxx', 'the id of your instance', ruleOf('instance_id'));

/** ARN of an SNS topic. */
export const topicArn = ruleOf('topic_arn');

/** ARN of an IAM managed policy. */
export const policyArn = matches(
  /^arn:[a-z0-9-]+:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/,
  'is not an ARN of an IAM policy',
);

/** ARN of a KMS key. */
export const keyArn = matches(
  /^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/,
  'is not an ARN of a KMS key',
  'write the ARN with key/: policies do not accept aliases',
);

/** Name of an IAM role (IAM API reference, `CreateRole`). */
export const roleName = matches(/^[\w+=,.@-]{1,64}$/, 'is not the name of an IAM role', 'write its name, not its ARN');

/** An address for alarms. SNS asks it for a confirmation, so this rule finds typing errors only. */
export const email = matches(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'is not an email address');

/** A directory on the instances. The SSM document that writes it would read `{{` as a parameter. */
export const directory: Rule = (text) => {
  if (!text.startsWith('/')) return { message: 'is not an absolute path', hint: 'write a path that starts with /' };
  if (/[\p{Cc}{}]/u.test(text)) return { message: 'must not contain control characters or braces' };
  return text.length <= 1_024 ? undefined : { message: 'is longer than 1024 characters' };
};

/** A user of the instances (`man useradd`). */
export const user = matches(/^[a-z_][a-z0-9_-]{0,31}$/, 'is not a user name');

/** A file on the machine that deploys. */
export const file: Rule = (text) => (text === '' ? { message: 'is empty' } : undefined);
