import { expect } from 'chai';
import { judgeByStatus, retryAfterMs } from '@waybill/resilience';

const NOW = new Date('2025-01-01T00:00:00Z');

describe('an answer judged by its status', () => {
  const judged = (status: number, idempotent: boolean): string => {
    const judgement = judgeByStatus({ status, headers: {} }, { now: NOW, idempotent });
    return typeof judgement === 'string' ? judgement : 'unavailable';
  };
  const told: readonly (readonly [string, readonly number[]])[] = [
    ['answered', [200, 201, 202, 204, 301, 307, 400, 401, 403, 404, 409, 410, 422, 501, 505]],
    ['unavailable', [408, 425, 429, 503]],
    ['unknown', [502, 504]],
  ];
  for (const [judgement, statuses] of told) {
    it(`is ${judgement}: ${statuses.join(', ')}`, () => {
      for (const status of statuses) {
        expect(judged(status, false), String(status)).to.equal(judgement);
        expect(judged(status, true), String(status)).to.equal(judgement);
      }
    });
  }

  it('leaves the outcome of 500 open, unless the target may be asked twice', () => {
    expect(judged(500, false)).to.equal('unknown');
    expect(judged(500, true)).to.equal('unavailable');
  });

  const headers: readonly (readonly [string | readonly string[] | undefined, number | undefined])[] = [
    ['120', 120_000],
    [' 0 ', 0],
    ['Wed, 01 Jan 2025 00:00:30 GMT', 30_000],
    ['Tue, 31 Dec 2024 23:59:00 GMT', 0],
    [['1', '2'], 2_000],
    ['-5', undefined],
    ['3.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [header, ms] of headers) {
    it(`asks for ${ms === undefined ? 'no pause' : `${ms} ms`} with Retry-After: ${JSON.stringify(header)}`, () => {
      expect(retryAfterMs(header, NOW)).to.equal(ms);
    });
  }
});
