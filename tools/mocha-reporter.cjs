'use strict';
/**
 * Mocha's own report, then two things it does not do: a process that stays alive after the last test is a failure that
 * names what it waits for, and the last line of the output is always `N passed, N failed`.
 */
const { reporters } = require('mocha');

const LEAK_AFTER_MS = 10_000;

module.exports = class extends reporters.Spec {
  #ended = false;
  #leaks = 0;

  constructor(runner, options) {
    super(runner, options);
    process.once('exit', () => this.#printClosingLine());
  }

  epilogue() {
    super.epilogue();
    this.#ended = true;
    setTimeout(() => this.#failForLeak(), LEAK_AFTER_MS).unref();
  }

  #failForLeak() {
    this.#leaks = 1;
    console.log(`  The tests are over for ${LEAK_AFTER_MS / 1000} s, and this process is kept alive by:`);
    for (const name of whatKeepsUsAlive()) console.log(`    ${name}`);
    process.once('exit', () => (process.exitCode = 1)); // after mocha's own exit hook, which would say 0
    process.exit();
  }

  #printClosingLine() {
    const { passes, failures } = this.stats;
    const failed = failures + this.#leaks + (this.#ended ? 0 : 1);
    if (!this.#ended) console.log('  The test run ended before its last test.');
    console.log(`${passes} passed, ${failed} failed`);
    if (failed > 0) process.exitCode ||= 1;
  }
};

function whatKeepsUsAlive() {
  // Undocumented, and the only way to tell which socket or child it is.
  const handles =
    process
      ._getActiveHandles?.()
      .filter(({ fd }) => !(fd <= 2))
      .map(describe) ?? [];
  const kinds = process.getActiveResourcesInfo().filter((kind) => !kind.endsWith('Wrap') || handles.length === 0);
  return [...new Set([...handles, ...kinds])];
}

function describe(handle) {
  const name = handle.constructor.name;
  if (handle.spawnargs) return `${name} ${handle.spawnargs.join(' ')}`;
  if (handle.remoteAddress) return `${name} to ${handle.remoteAddress}:${handle.remotePort}`;
  if (handle.listening) return `${name} listening on ${JSON.stringify(handle.address())}`;
  if (handle.fd !== undefined) return `${name} of file descriptor ${handle.fd}`;
  return name;
}
