// Imports point one way: http → hub → control → clients → delivery → broker → event. Only the module, `SseNode` and index.ts know all.
const { peerDependencies, dependencies } = require('./packages/nestjs-sse-redis/package.json');

const src = '^packages/nestjs-sse-redis/src/';
const spec = '\\.spec\\.ts$';
const installed = Object.keys({ ...peerDependencies, ...dependencies }).join('|');

const base = ['errors', 'util', 'event'];

/** The folders of src that each folder may import, besides itself (docs/architecture.md). */
const layers = {
  util: [],
  errors: [],
  event: ['errors'],
  channels: base,
  options: [...base, 'channels'],
  broker: [...base, 'options'],
  delivery: [...base, 'broker'],
  response: [...base, 'delivery'],
  publish: [...base, 'channels', 'options', 'broker', 'delivery'],
  runs: [...base, 'channels', 'options', 'broker', 'publish'],
  publisher: [...base, 'channels', 'options', 'broker', 'publish'],
  registry: [...base, 'options', 'broker'],
  clients: [...base, 'channels', 'options', 'broker', 'delivery', 'response'],
  control: [...base, 'broker', 'clients'],
  hub: [
    ...base,
    ...['channels', 'options', 'broker', 'delivery', 'response', 'publish', 'runs', 'clients', 'control'],
  ],
  http: [...base, 'channels', 'options', 'response', 'runs', 'clients', 'hub'],
  listeners: [...base, 'channels', 'delivery', 'publish', 'hub'],
  openapi: ['channels', 'http'],
  platform: ['event', 'http', 'response'],
  ai: [...base, 'publish', 'runs', 'hub', 'http'],
  health: ['hub'],
  metrics: ['hub'],
};

const client = '^packages/client/src/';

/** The folders of the client's src that each folder may import, besides itself. */
const clientLayers = {
  connection: [],
  stream: ['connection'],
  client: ['connection', 'stream'],
  share: ['connection', 'stream'],
  react: ['connection', 'client'],
  vue: ['connection', 'client'],
  'tanstack-query': ['client'],
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Type imports count: a reader of one file of a circle has to read them all.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nothing imports and that imports nothing is left over.',
      severity: 'error',
      from: { orphan: true, pathNot: ['/test/', spec, '\\.d\\.ts$', '(^|/)(index|main)\\.ts$'] },
      to: {},
    },
    {
      name: 'not-to-unresolvable',
      comment: 'The modules of Lua scripts are made when the package is built or tested (lua.mjs).',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '\\.lua\\.js$' },
    },
    ...Object.entries(layers).map(([folder, allowed]) => ({
      name: `src-${folder}`,
      comment: `${folder}/ imports of src only: ${[folder, ...allowed].join(', ')}.`,
      severity: 'error',
      from: { path: `${src}${folder}/`, pathNot: spec },
      to: { path: src, pathNot: `${src}(${[folder, ...allowed].join('|')})/` },
    })),
    ...Object.entries(clientLayers).map(([folder, allowed]) => ({
      name: `client-${folder}`,
      comment: `${folder}/ of the client imports of its src only: ${[folder, ...allowed].join(', ')}.`,
      severity: 'error',
      from: { path: `${client}${folder}/` },
      to: { path: client, pathNot: `${client}(${[folder, ...allowed].join('|')})/` },
    })),
    {
      name: 'client-without-server',
      comment:
        'A page loads the client and eventsource-parser, and no other package. Types of the server are no imports.',
      severity: 'error',
      from: { path: client },
      to: {
        path: '^packages/nestjs-sse-redis/|node_modules/(?!eventsource-parser/|@?(react|vue)/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'client-without-frameworks',
      comment: 'The binding of a framework loads it, and nothing else does.',
      severity: 'error',
      from: { path: client, pathNot: `${client}(react|vue)/` },
      to: { path: 'node_modules/@?(react|vue)/' },
    },
    {
      name: 'publisher-without-nest',
      comment:
        'nestjs-sse-redis/publisher loads nothing of Nest: test/publisher/processes.spec.ts. Types of it are no imports.',
      severity: 'error',
      from: {
        path: `${src}((${[...base, 'channels', 'options', 'broker', 'publisher'].join('|')})/|publish/(publisher|channel-turns|serialize-data)\\.ts$)`,
        pathNot: [spec, `${src}options/option-classes\\.ts$`],
      },
      to: {
        path: 'node_modules/(@nestjs/|rxjs/|reflect-metadata/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'src-only-installed',
      comment: 'The package imports only what its own package.json makes its users install.',
      severity: 'error',
      from: { path: src, pathNot: spec },
      to: { path: 'node_modules/', pathNot: `node_modules/(${installed})/` },
    },
    {
      name: 'src-not-to-workspace',
      severity: 'error',
      from: { path: src, pathNot: spec },
      to: { path: '^(apps|libs|scripts)/|^packages/[^/]+/test/' },
    },
    {
      name: 'apps-by-package-name',
      comment: 'The demo shows the package as users get it: through its name, not through its files.',
      severity: 'error',
      from: { path: '^apps/[^/]+/src/' },
      to: { path: src, dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'apps-not-to-libs',
      comment: 'Test helpers stay in tests.',
      severity: 'error',
      from: { path: '^apps/[^/]+/src/', pathNot: spec },
      to: { path: '^libs/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^dist/', '^(packages|apps)/[^/]+/(dist|docs|test/consumers)/'] },
    tsPreCompilationDeps: true, // type imports count
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
