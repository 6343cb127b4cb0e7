/** Rules of texts. The functions check the same ones when they start; here they are told before anything is made. */

import type { Broken, Rule } from './reader.js';

function matches(pattern: RegExp, message: string, mend?: string): Rule {
  return (text) => (pattern.test(text) ? undefined : mend === undefined ? { message } : { message, mend });
}

/** Start of every default name. */
export const prefix = matches(
  /^[A-Za-z][A-Za-z0-9-]{0,31}$/,
  'is not a prefix',
  'write a letter, then up to 31 letters, digits and -',
);

/** Name of a table (DynamoDB developer guide, "Naming rules"). */
export const table = matches(/^[A-Za-z0-9_.-]{3,255}$/, 'is no table name', 'write 3 to 255 letters, digits and _.-');

/** Name of a log group (CloudWatch Logs API reference, `CreateLogGroup`). */
export const logGroup = matches(/^[A-Za-z0-9_/.#-]{1,512}$/, 'is no log group', 'write letters, digits and _/.#-');

/** Name or ARN of a secret (Secrets Manager API reference, `CreateSecret`). */
export const secret: Rule = (text) => {
  if (text === 'secret-name') return placeholder("the name of your database's secret");
  return matches(
    /^[A-Za-z0-9/_+=.@:!-]{1,2048}$/,
    'is not a name or ARN of a secret',
    'use letters, digits and /_+=.@:!- only',
  )(text);
};

/** Name or ARN of a secret, with `*` for any text. */
export const secretPattern = matches(
  /^[A-Za-z0-9/_+=.@:!-][A-Za-z0-9/_+=.@:!*-]{0,2047}$/,
  'is not a name, ARN or pattern of secrets',
  'write a name such as etl/redshift, or a pattern such as etl/*',
);

/** An instance of EC2, or a managed node of another place. */
export const instanceId: Rule = (text) => {
  if (text === 'i-xxxx') return placeholder("your instance's id");
  return matches(/^(i|mi)-[A-Za-z0-9-]{1,60}$/, 'is not an instance id', 'write one such as i-0123456789abcdef0')(text);
};

/** ARN of an SNS topic. */
export const topicArn = matches(
  /^arn:[a-z0-9-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}$/,
  'is not an ARN of a topic',
  'write one such as arn:aws:sns:eu-west-1:123456789012:name',
);

/** ARN of an IAM managed policy. */
export const policyArn = matches(
  /^arn:[a-z0-9-]+:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/,
  'is not an ARN of an IAM policy',
);

/** ARN of a KMS key. */
export const keyArn = matches(
  /^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/,
  'is not an ARN of a KMS key',
  'aliases do not work in policies: write the ARN with key/',
);

/** Name of an IAM role (IAM API reference, `CreateRole`). */
export const roleName = matches(/^[\w+=,.@-]{1,64}$/, 'is not the name of an IAM role', 'write its name, not its ARN');

/** An address for alarms. SNS asks it for a confirmation, so this looks for slips only. */
export const email = matches(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'is not an e-mail address');

/** A directory on the instances. `{{` would be taken for a parameter of the document that writes it there. */
export const directory: Rule = (text) => {
  if (!text.startsWith('/')) return { message: 'is not an absolute path', mend: "start it with '/'" };
  if (/[\p{Cc}{}]/u.test(text)) return { message: 'has a control character or a brace in it' };
  return text.length <= 1_024 ? undefined : { message: 'is longer than 1024 characters' };
};

/** A user of the instances (`man useradd`). */
export const user = matches(/^[a-z_][a-z0-9_-]{0,31}$/, 'is not the name of a user');

/** A file on the machine that deploys. */
export const file: Rule = (text) => (text === '' ? { message: 'is empty' } : undefined);

function placeholder(what: string): Broken {
  return { message: "is a placeholder of AWS's sample", mend: `write ${what}` };
}
