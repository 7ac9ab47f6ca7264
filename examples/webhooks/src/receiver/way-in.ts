import type { Database, Intake, UnitOfWork } from '@waybill/core';
import type { MongoDBTx } from '@waybill/mongodb';
import type { MongoClient } from 'mongodb';

/** How messages come in: what takes them, and what is left to do with those that were taken. */
export interface WayIn {
  readonly intake: Intake;
  /** Handles what was taken and is not handled yet; gives up when that takes too long. */
  finish(): Promise<void>;
}

/** Where the receiver keeps what it keeps. */
export interface ReceiverPlace {
  readonly client: MongoClient;
  /** Name of its MongoDB database. */
  readonly name: string;
  readonly database: Database<MongoDBTx>;
  readonly unitOfWork: UnitOfWork<MongoDBTx>;
}
