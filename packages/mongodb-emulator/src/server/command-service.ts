import { Binary, Long, Timestamp } from 'bson';
import type { Document } from 'bson';
import type { Engine } from '../engine.js';
import { failAfter, failBefore, HungUp } from '../faults/fail-command.js';
import type { FailPoints } from '../faults/fail-points.js';
import { failGetMore, failRetryableWrite, losesReply, startGetMore } from '../faults/fail-execution.js';
import { ServerError } from '../server-error.js';
import { tickOf } from '../store/cluster-time.js';
import type { CommandCounts } from './command-counts.js';
import { mayWrite, refuseAsSecondary, refuseAsStandAlone } from './command-rights.js';
import type { Answer, Connection } from './connection.js';
import { errorReply, labelsFor } from './error-reply.js';
import { hello, HELLO_NAMES } from './hello.js';
import type { RunningCommand } from './running-command.js';
import type { ServerCommand } from './server-command.js';
import type { Topology } from './topology.js';

export interface CommandServiceOptions {
  readonly engine: Engine;
  readonly topology: Topology;
  readonly failPoints: FailPoints;
  readonly counts: CommandCounts;
  readonly serverCommands: ReadonlyMap<string, ServerCommand>;
  readonly address: () => string;
  readonly maxWireVersion: number;
}

const NOT_SIGNED = { hash: new Binary(new Uint8Array(20)), keyId: Long.ZERO };

/** Takes each command to whoever executes it, fails it where that was asked for, and completes its answer. */
export class CommandService {
  constructor(private readonly options: CommandServiceOptions) {}

  /** Never rejects. */
  async execute(command: RunningCommand, connection: Connection): Promise<Answer> {
    const { counts } = this.options;
    if (!HELLO_NAMES.has(command.name)) counts.started(command.name); // monitoring is not counted
    try {
      return await this.#answer(command, connection);
    } catch (error) {
      counts.failed(command.name);
      if (error instanceof HungUp) return { body: {}, hangUp: true };
      return { body: this.#complete(errorReply(command.interruption ?? error, command.body, this.options.topology)) };
    }
  }

  /** The answer to what could not be read as a command. */
  refuse(error: ServerError): Document {
    return this.#complete(errorReply(error, {}, this.options.topology));
  }

  async #answer(command: RunningCommand, connection: Connection): Promise<Answer> {
    const { failPoints } = this.options;
    const { name, body } = command;
    const [isHello, isConfiguration] = [HELLO_NAMES.has(name), name === 'configureFailPoint'];
    if (isHello) connection.appName ??= appNameOf(body);
    if (failPoints.failCommand.isOn && !isConfiguration) await failBefore(failPoints.failCommand, command, connection.appName);
    if (isHello) return this.#hello(command);

    const reply = await this.#execute(command, connection);
    const failure = failAfter(failPoints.failCommand, command, connection.appName);
    if (failure) addWriteConcernError(reply, failure, body);
    if (losesReply(failPoints.loseReply, command, connection.appName)) throw new HungUp();
    const answer = { body: this.#complete({ ...reply, ok: 1 }) };
    // What a change stream has shown was committed by a majority: it cannot be lost any more than an acknowledged write.
    const acknowledging = mayWrite(name, body) || isChangeBatch(reply);
    return acknowledging ? { ...answer, acknowledges: tickOf(this.options.engine.oplog.newest) } : answer;
  }

  async #execute(command: RunningCommand, connection: Connection): Promise<Document> {
    const { engine, topology, failPoints, serverCommands } = this.options;
    const { name, body } = command;
    if (command.db === '') throw new ServerError(40571, 'OP_MSG requests require a $db argument');
    const ofServer = serverCommands.get(name);
    if (ofServer) {
      engine.admit(command);
      return ofServer(body, connection);
    }
    if (topology.replicaSet === undefined) refuseAsStandAlone(body);
    if (!topology.isPrimary) refuseAsSecondary(name, body);
    const { clusterTime } = (body.$clusterTime ?? {}) as { readonly clusterTime?: unknown };
    if (clusterTime instanceof Timestamp) engine.clusterTime.advanceTo(clusterTime);

    failRetryableWrite(failPoints.onPrimaryTransactionalWrite, command, 'before');
    const reply = await engine.execute(startGetMore(failPoints.failGetMoreAfterCursorCheckout, command));
    failRetryableWrite(failPoints.onPrimaryTransactionalWrite, command, 'after');
    failGetMore(failPoints.failGetMoreAfterCursorCheckout, command, reply);
    return reply;
  }

  async #hello(command: RunningCommand): Promise<Answer> {
    const { topology, engine, address, maxWireVersion } = this.options;
    const { body, name } = command;
    const { topologyVersion, maxAwaitTimeMS } = body;
    const awaited = topologyVersion !== undefined && maxAwaitTimeMS !== undefined;
    if (awaited && topology.isCurrent(topologyVersion as Document)) await topology.change(Number(maxAwaitTimeMS), command.signal);
    const { connectionId } = command;
    const reply = hello(name, { topology, address: address(), maxWireVersion, connectionId, newest: engine.oplog.newest, now: new Date() });
    return {
      body: this.#complete({ ...reply, ok: 1 }),
      ...(awaited ? { next: { ...body, topologyVersion: reply.topologyVersion as Document } } : {}),
    };
  }

  /** A member of a replica set tells the time with every answer. */
  #complete(reply: Document): Document {
    const { topology, engine } = this.options;
    if (topology.replicaSet === undefined) return reply;
    return {
      ...reply,
      operationTime: engine.oplog.newest,
      $clusterTime: { clusterTime: engine.clusterTime.current, signature: NOT_SIGNED },
    };
  }
}

function appNameOf({ client }: Document): string | undefined {
  const name = ((client as Document | undefined)?.application as Document | undefined)?.name as unknown;
  return typeof name === 'string' ? name : undefined;
}

function isChangeBatch({ cursor }: Document): boolean {
  return (cursor as Document | undefined)?.postBatchResumeToken !== undefined;
}

function addWriteConcernError(
  reply: Document,
  { writeConcernError, labels }: NonNullable<ReturnType<typeof failAfter>>,
  body: Document,
): void {
  const errorLabels = labels ?? labelsFor(Number(writeConcernError.code), body, { writeConcernError: true });
  Object.assign(reply, { writeConcernError }, errorLabels.length > 0 ? { errorLabels } : {});
}
