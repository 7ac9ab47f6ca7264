import { expect } from 'chai';
import {
  CommitOutcomeUnknownError,
  DatabaseUnavailableError,
  InvalidPayloadError,
  InvalidStreamNameError,
  OutcomeUnknownError,
  PayloadTooLargeError,
  PredecessorMissingError,
  RevisionTakenError,
  SinkUnavailableError,
  StaleSenderError,
  TargetUnavailableError,
  TransactionConflictError,
  UnknownMessageTypeError,
} from '@waybill/core';
import { HttpReceiver } from '@waybill/http';
import type { HttpReply } from '@waybill/http';
import { ManualClock } from '../../shop/manual-clock.js';
import { NotingIntake } from './noting-intake.js';
import { anEvent, problemOf, received, slugOf, structured } from './sender.js';

interface Line {
  readonly level: string;
  readonly fields: object;
}

describe('what a sender is told of a failure', () => {
  let told: Line[];
  const line =
    (level: string) =>
    (fields: object): void =>
      void told.push({ level, fields });
  const logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };

  beforeEach(() => (told = []));

  const failing = (error: unknown, event = anEvent()): Promise<HttpReply> => {
    const intake = new NotingIntake();
    intake.before = () => {
      throw error;
    };
    return new HttpReceiver({ intake, unsigned: true, logger, clock: new ManualClock() }).handle(received(structured(event)));
  };

  const cases: readonly [string, number, string, Error, string?][] = [
    ['an unknown type', 422, 'unknown-type', new UnknownMessageTypeError('OrderPlaced', 'order-7')],
    [
      'an invalid payload',
      422,
      'invalid-payload',
      new InvalidPayloadError('OrderPlaced', [{ message: 'must be text', path: ['customerId'] }]),
    ],
    ['a stream name that cannot be kept', 400, 'malformed', new InvalidStreamNameError('$all', 'is reserved')],
    ['a payload that is too large', 413, 'oversized', new PayloadTooLargeError('OrderPlaced', 'order-7', 2_000, 1_000)],
    ['a missing predecessor', 409, 'predecessor-missing', new PredecessorMissingError('m-1', 'order-7', 5n, 4n, 2n)],
    ['a sender that was replaced', 409, 'stale-sender', new StaleSenderError('m-1', 'order-7', 5n, 1n, 2n)],
    ['a revision that is taken', 409, 'revision-taken', new RevisionTakenError('m-1', 'order-7', 5n, 7n)],
    ['a database that is away', 503, 'unavailable', new DatabaseUnavailableError('connection to 10.0.0.7 refused'), '5'],
    ['a conflict', 503, 'unavailable', new TransactionConflictError('deadlock')],
    ['a commit of which nobody knows', 503, 'unavailable', new CommitOutcomeUnknownError('7'), '5'],
    ['a sink that is away', 503, 'unavailable', new SinkUnavailableError('10.0.0.7', { retryAfterMs: 1_001 }), '2'],
    ['a target that is away', 503, 'unavailable', new TargetUnavailableError('bank at 10.0.0.7', 'down', { retryAfterMs: 60_000 }), '60'],
    ['a call of which nobody knows', 504, 'outcome-unknown', new OutcomeUnknownError('bank at 10.0.0.7', 'm-1', 'timed out')],
    ['a failed handler', 500, 'failed', new TypeError('connection string postgres://user:secret@10.0.0.7')],
  ];
  for (const [what, status, slug, error, wait] of cases) {
    it(`of ${what}: ${status} ${slug}${wait === undefined ? '' : `, and to come back in ${wait} s`}`, async () => {
      const reply = await failing(error);

      expect([reply.status, slugOf(reply), reply.headers['retry-after']]).to.deep.equal([status, slug, wait]);
      expect(reply.body).to.not.contain('10.0.0.7').and.not.contain('secret').and.not.contain('    at ');
    });
  }

  it('is what to mend in the message', async () => {
    const { detail } = problemOf(
      await failing(new InvalidPayloadError('OrderPlaced', [{ message: 'must be text', path: ['customerId'] }])),
    );

    expect(detail).to.contain('customerId: must be text');
  });

  it('is nothing of what the log is told of a failed handler', async () => {
    const error = new TypeError('inner detail');
    const event = anEvent();

    const reply = await failing(error, event);

    expect(told).to.deep.equal([{ level: 'error', fields: { problem: 'failed', messageId: event.id, accepted: 0, err: error } }]);
    expect(reply.body).to.not.contain('inner detail');
  });

  it('is no failure where it was told to stop, because its client had hung up', async () => {
    const [client, intake] = [new AbortController(), new NotingIntake()];
    intake.before = (_message, { signal }) => {
      client.abort();
      signal.throwIfAborted();
    };
    const receiver = new HttpReceiver({ intake, unsigned: true, logger, clock: new ManualClock() });

    const reply = await receiver.handle(received(structured(), { signal: client.signal }));

    expect(slugOf(reply)).to.equal('unavailable');
    expect(told.map(({ level }) => level)).to.deep.equal(['warn']);
  });

  it('is a problem document also where a handler throws what is no error', async () => {
    expect(slugOf(await failing('text'))).to.equal('failed');
    expect(slugOf(await failing(undefined))).to.equal('failed');
  });

  it('of a message with the longest of texts is kept short', async () => {
    const reply = await failing(new InvalidPayloadError('OrderPlaced', [{ message: 'x'.repeat(100_000) }]));

    expect(problemOf(reply).detail).to.have.length(1_000);
  });

  it('is kept short in the log, too', async () => {
    const texts: string[] = [];
    const noting = { ...logger, info: (_fields: object, text: string): void => void texts.push(text) };
    const receiver = new HttpReceiver({ intake: new NotingIntake(), unsigned: true, logger: noting });

    await receiver.handle(received(structured(anEvent({ datacontenttype: `text/${'x'.repeat(100_000)}`, data: '' }))));

    expect(texts).to.have.length(1);
    expect(texts[0]).to.include('text/xxx').and.have.length.below(1_100);
  });
});
