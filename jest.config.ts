/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// Nest 12 is ESM only, and Jest cannot require() ESM on Node 20, so the tests run as ES modules
// (NODE_OPTIONS=--experimental-vm-modules). swc, because decorators need their metadata.
const swc = {
  module: { type: 'nodenext' },
  jsc: {
    target: 'es2023',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    keepClassNames: true,
  },
};

// Of a run of all tests: scripts/test-groups.mjs writes the folder, and names it in the environment.
const groups = process.env['TEST_GROUPS'];
const grouped: string[] = groups ? JSON.parse(readFileSync(join(groups, 'grouped.json'), 'utf8')) : [];
const exactly = (path: string) => `^${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;

const config: Config = {
  testEnvironment: 'node',
  testSequencer: '<rootDir>/scripts/test-sequencer.mjs',
  roots: ['<rootDir>/packages', '<rootDir>/apps', '<rootDir>/libs', ...(groups ? [groups] : [])],
  testMatch: ['**/*.spec.ts'],
  // `npm run test:proxies` runs these: they need proxies.
  testPathIgnorePatterns: ['/node_modules/', '/test/proxies/', ...grouped.map(exactly)],
  modulePathIgnorePatterns: ['/dist/', '/consumers/'],
  extensionsToTreatAsEsm: ['.ts', '.lua'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', swc],
    '^.+\\.lua$': '<rootDir>/packages/nestjs-sse-redis/lua.mjs',
  },
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-sse-redis-client$': '<rootDir>/packages/client/src/index.ts',
    '^nestjs-sse-redis$': '<rootDir>/packages/nestjs-sse-redis/src/index.ts',
    '^@nestjs-sse-redis/testing$': '<rootDir>/libs/testing/src/index.ts',
  },
  // Tests start real processes, a private Redis, a browser: generous time, few at once. More than two cores, because much of the
  // suite waits: with three workers a whole run left 23 % of two cores idle, with four 15 %. On a busy machine more of them get more of
  // its cores: beside other work a run took 1,054 s with five, 825 s with eight. At load 30 a test of 43 s took more than 180.
  testTimeout: 400_000,
  maxWorkers: 8,
};

export default config;
