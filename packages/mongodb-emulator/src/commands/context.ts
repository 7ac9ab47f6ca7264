import type { Document, Timestamp } from 'bson';
import type { ChangeStreams } from '../cursors/change-streams-port.js';
import type { Cursors } from '../cursors/cursors.js';
import type { Variables } from '../query/variables.js';
import { compileFilter } from '../query/filter.js';
import { compileSort } from '../query/sort.js';
import type { Expiry } from '../store/expiry.js';
import type { LeaveToWrite } from '../store/leave-to-write.js';
import type { Query } from '../store/planner.js';
import { Search } from '../store/search.js';
import type { Steps } from '../store/steps.js';
import type { Store } from '../store/store.js';
import type { Access } from '../store/write-set.js';
import type { Sessions } from '../transactions/sessions.js';
import type { StatementRecords } from '../transactions/statement-records.js';
import type { Transaction } from '../transactions/transaction.js';
import { Arguments } from './arguments.js';
import type { Invocation } from './invocation.js';

/** What all commands work with. */
export interface Surroundings {
  readonly store: Store;
  readonly leave: LeaveToWrite;
  readonly cursors: Cursors;
  readonly sessions: Sessions;
  readonly expiry: Expiry;
  readonly changeStreams: ChangeStreams | undefined;
}

/** What one command is a part of. */
export interface Standing {
  readonly access: Access;
  /** Of a command with `autocommit: false`; open, but for commands that end it. */
  readonly transaction?: Transaction;
  /** Of a retryable write. */
  readonly statements?: StatementRecords;
  /** The reader's cluster time, if it is a snapshot outside transactions: told in the answer. */
  readonly atClusterTime?: Timestamp;
}

/** Executes a command. Steps: it may have to wait for open transactions. */
export type Command = (context: Context) => Document | Steps<Document> | Promise<Document>;

/** A command that is being executed. */
export class Context {
  readonly arguments: Arguments;
  readonly access: Access;
  #variables: Variables | undefined;

  constructor(
    readonly invocation: Invocation,
    readonly surroundings: Surroundings,
    readonly standing: Standing,
  ) {
    this.arguments = new Arguments(invocation.name, invocation.body);
    this.access = standing.access;
  }

  get db(): string {
    return this.invocation.db;
  }

  get store(): Store {
    return this.surroundings.store;
  }

  /** The collection that the command names. */
  get collection(): string {
    return this.arguments.requiredString(this.invocation.name);
  }

  get variables(): Variables {
    return (this.#variables ??= this.#newVariables());
  }

  /** A query on a collection as this command sees it; undefined if there is no such collection. */
  search(db: string, name: string, query: Query, variables = this.variables): Search | undefined {
    const { catalogue, isolation } = this.store;
    const collection = catalogue.find(db, name, this.access);
    if (collection) return new Search(collection, query, variables, this.access, isolation);
    compileFilter(query.filter, variables); // a query that makes no sense is refused, whether or not there is anything to look in
    if (query.sort) compileSort(query.sort);
    return undefined;
  }

  #newVariables(): Variables {
    const { store, arguments: given } = this;
    const constants = given.document('let');
    return { now: store.now(), clusterTime: store.clusterTime.current, ...(constants ? { let: constants } : {}) };
  }
}
