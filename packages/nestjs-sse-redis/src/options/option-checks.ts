import {
  findProblemOfRedisUrl,
  findProblemsOfClusterClient,
  findProblemsOfCluster,
  findProblemsOfOptions,
  findProblemsOfVersion,
  isClusterClient,
  namesCluster,
} from './redis-checks.js';
import { isChannelDefinition } from '../channels/define-channel.js';
import { findProblemOfPattern } from '../event/channel-pattern.js';
import { describeValue, isObject } from '../event/describe-value.js';

/** Returns a sentence for each thing that is wrong with the value of an option. */
export type OptionCheck = (value: unknown, path: string) => readonly string[];

/** @param takes the words for what the option takes */
function check(takes: string, isValid: (value: unknown) => boolean): OptionCheck {
  return (value, path) => (isValid(value) ? [] : [`${path} takes ${takes}, it got ${describeValue(value)}`]);
}

export function isIntegerBetween(min: number, max: number): OptionCheck {
  return check(
    `a whole number from ${min} to ${max}`,
    (value) => typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max,
  );
}

export const isLimit: OptionCheck = (value, path) =>
  value === Infinity ? [] : isIntegerBetween(1, 1e9)(value, path);

export const isBoolean = check('true or false', (value) => typeof value === 'boolean');

/** @param signature of the function, for the message */
export function isFunction(signature: string): OptionCheck {
  return check(`a function ${signature}`, (value) => typeof value === 'function');
}

export function isOneOf(...values: readonly string[]): OptionCheck {
  return check(values.map((value) => `'${value}'`).join(' or '), (value) => values.includes(value as string));
}

export const isPrefix = check(
  '1 to 128 characters other than white space, "{" and "}"',
  (value) => typeof value === 'string' && /^[^\s{}]{1,128}$/u.test(value),
);

export const isIdentify: OptionCheck = (value, path) => {
  const problem = isObject(value) ? findProblemOfClass('identify', value) : undefined;
  return problem ? [problem] : isFunction('(request) => user id')(value, path);
};

export const isAuthorize: OptionCheck = (value) => {
  if (typeof value === 'function') return [];
  if (!isObject(value)) {
    return [
      `authorize takes a function (client, channel) => boolean, or rules { pattern: rule }, it got ${describeValue(value)}`,
    ];
  }
  const problem = findProblemOfClass('authorize', value);
  if (problem) return [problem];
  return Object.entries(value).flatMap(([pattern, rule]) => {
    const problems: string[] = [];
    const shown = describeValue(pattern);
    const problem = findProblemOfPattern(pattern);
    if (problem) problems.push(`authorize has the pattern ${shown}, ${problem}`);
    if (rule !== true && rule !== 'user' && typeof rule !== 'function') {
      problems.push(
        `authorize[${shown}] takes true, 'user' or a function (client, parameters) => boolean, it got ${describeValue(rule)}`,
      );
    }
    return problems;
  });
};

export const areDefinitions: OptionCheck = (value, path) => {
  if (!Array.isArray(value))
    return [`${path} takes an array of channel definitions, it got ${describeValue(value)}`];
  return value.flatMap((one: unknown, i) => {
    if (isChannelDefinition(one)) return [];
    const hint = one === undefined ? ', as where two files import one another (a circular import)' : '';
    return [`${path}[${i}] takes what defineChannel() returned, it got ${describeValue(one)}${hint}`];
  });
};

/** The value of `redis` for the broker of one process. */
export const EMBEDDED = 'embedded';

export const isRedis: OptionCheck = (value) => {
  if (value === EMBEDDED) return [];
  if (typeof value === 'string') {
    const problem = findProblemOfRedisUrl(value);
    return problem
      ? [`redis takes a URL that begins with redis://, rediss:// or redis+cluster://, it got ${problem}`]
      : findProblemsOfVersion(value);
  }
  if (isObject(value)) {
    if (isClusterClient(value))
      return [...findProblemsOfClusterClient(value), ...findProblemsOfVersion(value)];
    if (!namesCluster(value)) return findProblemsOfOptions(value);
    return [...findProblemsOfCluster(value), ...findProblemsOfVersion(value)];
  }
  return [
    `redis takes a URL, ioredis options or an ioredis Redis or Cluster, it got ${describeValue(value)}`,
  ];
};

/** A class that is undefined, or something else that is none. */
function findProblemOfClass(option: string, value: object): string | undefined {
  const [[key, type] = [], ...others] = Object.entries(value) as [string, unknown][];
  if (others.length > 0 || (key !== 'useExisting' && key !== 'useClass')) return undefined;
  const hint = type === undefined ? ', as where two files import one another (a circular import)' : '';
  return `${option}: { ${key} } takes a class, it got ${describeValue(type)}${hint}`;
}
