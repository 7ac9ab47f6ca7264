import { accessDenied, notLeader } from '../wire/statuses.js';
import type { AppendFault, FaultPlan } from './fault-plan.js';

export interface FaultScope {
  /** Only appends to this stream; all streams by default. */
  readonly stream?: string;
}

/** What only the server as a whole can do. */
export interface FaultyServer {
  setCommitDelay(delayMs: number): void;
  tearConnections(): void;
  cancelCalls(): void;
}

/**
 * The ways in which this server fails on purpose. All of them happened on a real server.
 *
 * Faults that count appends stay armed until so many appends have met them, in the order they were armed, or until {@link heal}. An append
 * counts once, however many events it carries, on both append calls. Reads, deletes and subscriptions are not counted.
 */
export class Faults {
  readonly #plan: FaultPlan;
  readonly #server: FaultyServer;
  readonly #commitDelayMs: number;

  /** @internal */
  constructor(plan: FaultPlan, server: FaultyServer, commitDelayMs: number) {
    this.#plan = plan;
    this.#server = server;
    this.#commitDelayMs = commitDelayMs;
  }

  /**
   * Stores the next appends and never answers them. On the batch call, which has no deadline, the client waits until its connection ends.
   *
   * @param appends - how many, default 1; `Infinity` until healed
   */
  storeWithoutAcknowledging(appends = 1, scope: FaultScope = {}): void {
    this.#arm({ kind: 'store-without-acknowledging' }, appends, scope);
  }

  /** Neither stores nor answers the next appends: the other half of an unknown outcome. */
  loseAppends(appends = 1, scope: FaultScope = {}): void {
    this.#arm({ kind: 'lose' }, appends, scope);
  }

  /** Stores the next appends and answers them with the server's own time-out. */
  timeOutAppends(appends = 1, scope: FaultScope = {}): void {
    this.#arm({ kind: 'time-out' }, appends, scope);
  }

  /** Refuses the next appends as an overloaded server does, storing nothing. */
  refuseAsBusy(appends = 1, scope: FaultScope = {}): void {
    this.#arm({ kind: 'busy' }, appends, scope);
  }

  /** Refuses the next appends as a server that is still starting does, storing nothing. */
  refuseAsNotReady(appends = 1, scope: FaultScope = {}): void {
    this.#arm({ kind: 'not-ready' }, appends, scope);
  }

  /**
   * Refuses the next appends and names another node. Nothing is stored. On the batch call this ends the shared stream, so that every append
   * in flight on it fails too; the client reconnects to `leader`.
   *
   * @param leader - where the client shall go; this same server is allowed
   */
  refuseAsNotLeader(leader: { readonly host: string; readonly port: number }, appends = 1, scope: FaultScope = {}): void {
    this.#arm({ kind: 'not-leader', leader }, appends, scope);
  }

  /** Refuses reads, subscriptions and calls about groups, as where the credentials are not good enough. Until healed. */
  denyReads(): void {
    this.#plan.refusal = accessDenied();
  }

  /** Refuses reads, subscriptions and calls about groups and names another node; the client reconnects to it. Until healed. */
  refuseReadsAsNotLeader(leader: { readonly host: string; readonly port: number }): void {
    this.#plan.refusal = notLeader(leader);
  }

  /** Stores at once and answers each append so much later. Until healed. */
  delayAcknowledgements(delayMs: number): void {
    this.#plan.acknowledgementDelayMs = delayMs;
  }

  /**
   * Makes every commit take so long: appends are ordered and checked at once, but readable and acknowledged only then. The same events sent
   * again meanwhile are dropped without an answer, until the time-out. Until healed.
   */
  delayCommits(delayMs: number): void {
    this.#server.setCommitDelay(delayMs);
  }

  /**
   * Falls silent: requests are taken and wait, answers and events stop. {@link heal} goes on where it stopped, requests of clients that have
   * given up included. The connection still answers pings; to freeze those too, stop the command-line process with SIGSTOP.
   */
  mute(): void {
    this.#plan.mute();
  }

  /**
   * Forgets who is subscribed, to groups too, and tells nobody: to those who are, nothing comes any more, while everything else goes on. Who
   * subscribes anew is served; for a group one such consumer is enough.
   */
  forgetSubscribers(): void {
    this.#plan.forgetSubscribers();
  }

  /** Breaks every connection as a network does (ECONNRESET). The server lives on and takes new ones. */
  tearConnections(): void {
    this.#server.tearConnections();
  }

  /** Ends every call the way a server's forced shutdown does: clients see CANCELLED, not UNAVAILABLE. The server lives on. */
  cancelCalls(): void {
    this.#server.cancelCalls();
  }

  /** Disarms everything, and does what was held back while mute. */
  heal(): void {
    this.#server.setCommitDelay(this.#commitDelayMs);
    this.#plan.heal();
  }

  #arm(fault: AppendFault, appends: number, { stream }: FaultScope): void {
    this.#plan.arm(fault, appends, stream);
  }
}
