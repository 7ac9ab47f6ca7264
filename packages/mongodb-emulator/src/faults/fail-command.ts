import { setTimeout as delay } from 'node:timers/promises';
import type { Document } from 'bson';
import { mayWrite } from '../server/command-rights.js';
import type { RunningCommand } from '../server/running-command.js';
import { ServerError } from '../server-error.js';
import type { FailPoint } from './fail-point.js';

/** What a fail point does instead of letting a command be answered. */
export class HungUp extends Error {}

/** Does this data of `failCommand` speak of this command, sent by this application? */
export function speaksOf(data: Document, command: RunningCommand, appName: string | undefined): boolean {
  const names = Array.isArray(data.failCommands) ? (data.failCommands as unknown[]) : [];
  if (!names.includes(command.name) && data.failAllCommands !== true) return false;
  if (data.appName !== undefined && data.appName !== appName) return false;
  return data.namespace === undefined || data.namespace === namespaceOf(command);
}

/**
 * `failCommand` before a command is executed: blocks, hangs up, fails.
 *
 * @throws ServerError the error that it is configured for, with its labels if it names any
 * @throws {@link HungUp}
 */
export async function failBefore(point: FailPoint, command: RunningCommand, appName: string | undefined): Promise<void> {
  const data = point.enter((candidate) => hasEffectBefore(candidate) && speaksOf(candidate, command, appName));
  if (!data) return;
  if (data.blockConnection === true) await blocked(Number(data.blockTimeMS ?? 0), command);
  if (data.closeConnection === true) throw new HungUp();
  if (data.errorCode === undefined) return;
  const extra = (data.errorExtraInfo ?? {}) as Document;
  throw new ServerError(Number(data.errorCode), "Failing command via 'failCommand' failpoint", extra, labelsIn(data));
}

/** The write concern error that `failCommand` adds to the answer of a command that was executed, and the labels that come with it. */
export function failAfter(
  point: FailPoint,
  command: RunningCommand,
  appName: string | undefined,
): { readonly writeConcernError: Document; readonly labels: readonly string[] | undefined } | undefined {
  if (!point.isOn || !mayWrite(command.name, command.body)) return undefined;
  const data = point.enter((candidate) => candidate.writeConcernError !== undefined && speaksOf(candidate, command, appName));
  if (!data) return undefined;
  return { writeConcernError: data.writeConcernError as Document, labels: labelsIn(data) };
}

/** Those that replace what the code would have; an empty list is no label at all. */
function labelsIn({ errorLabels }: Document): readonly string[] | undefined {
  return Array.isArray(errorLabels) ? (errorLabels as string[]) : undefined;
}

function hasEffectBefore({ errorCode, closeConnection, blockConnection }: Document): boolean {
  return errorCode !== undefined || closeConnection === true || blockConnection === true;
}

async function blocked(ms: number, command: RunningCommand): Promise<void> {
  try {
    await delay(ms, undefined, { signal: command.signal });
  } catch {
    throw command.interruption ?? new HungUp();
  }
}

function namespaceOf({ name, body, db }: RunningCommand): string {
  const collection: unknown = name === 'getMore' ? body.collection : body[name];
  return typeof collection === 'string' ? `${db}.${collection}` : db;
}
