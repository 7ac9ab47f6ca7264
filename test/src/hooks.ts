import { stopServers } from './servers.js';

/** Loaded by mocha before any test file: see `.mocharc.cjs`. */
export const mochaHooks = {
  async afterAll(): Promise<void> {
    await stopServers();
  },
};
