import type { Socket } from 'node:net';
import { changeStreamsOf } from './change-streams/change-streams.js';
import { REFUSED_CHANGE_STREAMS } from './change-streams/refused-change-streams.js';
import { EmulatorStoppedError } from './emulator-errors.js';
import { DEFAULTS } from './emulator-options.js';
import type { EmulatorOptions, EmulatorSettings } from './emulator-options.js';
import { Engine } from './engine.js';
import { FailPoints } from './faults/fail-points.js';
import { CommandCounts } from './server/command-counts.js';
import type { CountedCommands } from './server/command-counts.js';
import { needsPrimary } from './server/command-rights.js';
import { CommandService } from './server/command-service.js';
import { Connection } from './server/connection.js';
import { Endpoint } from './server/endpoint.js';
import { Gate } from './server/gate.js';
import { parametersOf } from './server/parameters.js';
import { serverCommands } from './server/server-commands.js';
import { StepDown } from './server/step-down.js';
import { Topology } from './server/topology.js';
import { CODES, ServerError } from './server-error.js';
import { timestampOf } from './store/cluster-time.js';

export interface RestartOptions {
  /** Whether writes are gone whose answer had not been sent when the server died. Default: they are there. */
  readonly loseUnacknowledged?: boolean;
}

export interface FreezeOptions {
  /** Go on executing, and keep only the answers back: what comes in takes effect and nobody is told. Default: nothing is executed. */
  readonly answersOnly?: boolean;
}

const STEP_DOWN_MS = 500;

/**
 * A MongoDB replica set with one member, in this process and in memory: the unmodified driver talks to it over TCP.
 *
 * It is a server for tests: transactions, retryable writes and change streams behave as a real server's, and it fails when told to. It is
 * not durable, has no users and no TLS, and knows only part of the query language: see the README for all that it is not.
 *
 * ```ts
 * const emulator = await MongoDBEmulator.start();
 * const client = new MongoClient(emulator.url);
 * ```
 */
export class MongoDBEmulator {
  readonly #settings: EmulatorSettings;
  readonly #counts = new CommandCounts();
  readonly #failPoints = new FailPoints();
  readonly #execution = new Gate();
  readonly #answers = new Gate();
  readonly #connections = new Set<Connection>();
  readonly #topology: Topology;
  readonly #stepDown: StepDown;
  readonly #engine: Engine;
  readonly #service: CommandService;
  readonly #endpoint: Endpoint;
  #connectionsMade = 0;
  /** Writes up to here have been acknowledged to somebody. */
  #acknowledged: number;
  #state: 'new' | 'running' | 'killed' | 'stopped' = 'new';

  private constructor(options: EmulatorOptions) {
    const settings = (this.#settings = { ...DEFAULTS, ...options });
    this.#topology = new Topology(settings.replicaSet === false ? undefined : settings.replicaSet);
    const { changeStreams, ...engineSettings } = settings;
    this.#engine = new Engine({
      ...engineSettings,
      changeStreams: changeStreams === 'allowed' ? changeStreamsOf : () => REFUSED_CHANGE_STREAMS,
    });
    this.#acknowledged = this.#engine.clusterTime.tick;
    this.#stepDown = new StepDown(this.#topology, () => this.#leavePrimary());
    this.#endpoint = new Endpoint({ ...settings, accept: (socket) => this.#accept(socket) });
    this.#service = new CommandService({
      engine: this.#engine,
      topology: this.#topology,
      failPoints: this.#failPoints,
      counts: this.#counts,
      maxWireVersion: settings.maxWireVersion,
      address: () => this.#address,
      serverCommands: serverCommands({
        topology: this.#topology,
        failPoints: this.#failPoints,
        counts: this.#counts,
        maxWireVersion: settings.maxWireVersion,
        parameters: parametersOf(settings),
        address: () => this.#address,
        connections: () => this.#connections.size,
        stepDown: (ms) => void this.#stepDown.begin(ms),
      }),
    });
  }

  /**
   * Starts a server and resolves once it takes connections.
   *
   * @throws {@link AddressUnavailableError} the address is taken
   */
  static async start(options: EmulatorOptions = {}): Promise<MongoDBEmulator> {
    const emulator = new MongoDBEmulator(options);
    try {
      await emulator.#endpoint.open();
    } catch (error) {
      emulator.#engine.close();
      throw error;
    }
    emulator.#state = 'running';
    return emulator;
  }

  get port(): number {
    return this.#endpoint.port;
  }

  /** What the driver connects to: `mongodb://127.0.0.1:PORT/?replicaSet=rs0`. The same after a restart. */
  get url(): string {
    const { replicaSet } = this.#topology;
    return `mongodb://${this.#address}/${replicaSet === undefined ? '' : `?replicaSet=${replicaSet}`}`;
  }

  /** How often each command came in since the start or the last reset. `hello`, in all its spellings, is left out. */
  get commands(): CountedCommands {
    return this.#counts;
  }

  /**
   * Ends as SIGKILL does: connections break, what was being executed stays as far as it got, and open transactions and cursors
   * are gone. {@link restart} brings the server back.
   */
  async kill(): Promise<void> {
    if (this.#state !== 'running') return;
    this.#state = 'killed';
    await this.#leave();
  }

  /**
   * Comes back on the same port, killing first if still running; a new process to whoever remembers the old one. Fail points are off.
   *
   * @throws {@link EmulatorStoppedError} it was stopped for good
   */
  async restart({ loseUnacknowledged = false }: RestartOptions = {}): Promise<void> {
    if (this.#state === 'stopped') throw new EmulatorStoppedError();
    await this.kill();
    if (loseUnacknowledged) this.#engine.rollbackTo(timestampOf(this.#acknowledged));
    this.#failPoints.disarm();
    this.#topology.startAgain();
    await this.#endpoint.open();
    this.#state = 'running';
  }

  /** Ends for good: connections close, timers end. Idempotent. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    await this.#leave();
    this.#engine.close();
  }

  /**
   * Stops being primary for a while, as at an election: running writes and transactions are interrupted (11602), open transactions aborted,
   * and new ones refused (10107). Monitors learn of it at once.
   *
   * Resolves once it is primary again, with a larger election id.
   *
   * @param ms - how long it takes. Default 500
   */
  async stepDown(ms: number = STEP_DOWN_MS): Promise<void> {
    if (this.#state === 'running') await this.#stepDown.begin(ms);
  }

  /** Stops moving, as a process does at SIGSTOP: takes connections and bytes, and answers nothing until {@link thaw}. */
  freeze({ answersOnly = false }: FreezeOptions = {}): void {
    if (this.#state !== 'running') return;
    if (!answersOnly) this.#execution.close();
    this.#answers.close();
  }

  /** Goes on where {@link freeze} stopped; everything that came in meanwhile is executed and answered. */
  thaw(): void {
    this.#execution.open();
    this.#answers.open();
  }

  /** Forgets the past of all change streams: those that have not read up to now, or would start before, fail with 286. */
  truncateOplog(): void {
    this.#engine.oplog.truncate(this.#engine.oplog.newest);
  }

  get #address(): string {
    const { host } = this.#settings;
    if (host === '0.0.0.0' || host === '::') return `127.0.0.1:${this.port}`;
    return `${host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, {
      id: (this.#connectionsMade += 1),
      execution: this.#execution,
      answers: this.#answers,
      execute: (command, from) => this.#service.execute(command, from),
      refuse: (error) => this.#service.refuse(error),
      sent: ({ acknowledges = 0 }) => void (this.#acknowledged = Math.max(this.#acknowledged, acknowledges)),
      closed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    connection.open();
  }

  /** Interrupts before the transactions are aborted, so that what is running gets the error of a step-down. */
  #leavePrimary(): void {
    const reason = new ServerError(CODES.InterruptedDueToReplStateChange, 'operation was interrupted');
    for (const { command } of this.#connections) {
      if (command && needsPrimary(command.name, command.body)) command.interrupt(reason);
    }
    this.#engine.abortOpenTransactions();
  }

  async #leave(): Promise<void> {
    const closed = this.#endpoint.close();
    for (const connection of [...this.#connections]) connection.end();
    this.#stepDown.cancel();
    this.#engine.abortOpenTransactions();
    this.#engine.closeCursors();
    this.thaw();
    await closed;
  }
}
