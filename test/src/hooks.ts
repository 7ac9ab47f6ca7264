import { prepareMongoDB } from '@waybill/local-servers';
import { stopServers } from './servers.js';

/** Loaded by mocha before any test file: see `.mocharc.cjs`. */
export const mochaHooks = {
  async afterAll(): Promise<void> {
    await stopServers();
  },
};

/** A download takes longer than any test may: this is outside of all tests. */
export async function mochaGlobalSetup(): Promise<void> {
  await prepareMongoDB({ onDownload: () => console.log('MongoDB is downloaded, once: this takes a minute ...') });
}
