import { expect } from 'chai';
import { SinkUnavailableError, TargetUnavailableError } from '@waybill/core';

describe('the text of a failed delivery', () => {
  it('tells what others said on one line, as part of its own sentence', () => {
    const said = new TargetUnavailableError('bank', 'wrong version number:\n  record.c:350:\n').message;

    expect(new SinkUnavailableError(said).message).to.equal(
      'The sink is not available: bank is not available: wrong version number: record.c:350:. ' +
        'Nothing was done there; it is safe to try again. The lane waits and tries again.',
    );
  });
});
