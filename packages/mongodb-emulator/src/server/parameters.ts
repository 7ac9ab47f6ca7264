import type { Document } from 'bson';
import type { EmulatorSettings } from '../emulator-options.js';
import { versionOf } from './server-version.js';

/** What `getParameter` knows. */
export function parametersOf({ maxWireVersion, transactionLifetimeMs, ttlIntervalMs = 2_000 }: EmulatorSettings): Document {
  const version = versionOf(maxWireVersion).version.split('.', 2).join('.');
  return {
    authenticationMechanisms: [],
    enableTestCommands: true,
    featureCompatibilityVersion: { version },
    requireApiVersion: false,
    transactionLifetimeLimitSeconds: transactionLifetimeMs / 1_000,
    ttlMonitorSleepSecs: ttlIntervalMs / 1_000,
  };
}
