import { AssertionError, expect } from 'chai';
import { AggregateRoot, defineEvent, unchecked } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import { given } from '@waybill/testing';

const Opened = defineEvent('Opened', unchecked<{ readonly owner: string }>());
const Closed = defineEvent('Closed', unchecked<{ readonly reason: string }>());

type Complaint = Error & { readonly actual?: unknown; readonly expected?: unknown; readonly showDiff?: boolean };

class Account extends AggregateRoot<EventOf<typeof Opened> | EventOf<typeof Closed>> {
  readonly stream = 'account-7';
  #isOpen = false;

  open(owner: string): void {
    if (this.#isOpen) throw new Error('The account is open already (since today).');
    this.emit(Opened({ owner }));
  }

  close(reason: string): void {
    if (this.#isOpen) this.emit(Closed({ reason }));
  }

  protected override apply(event: EventOf<typeof Opened> | EventOf<typeof Closed>): void {
    this.#isOpen = event.type === 'Opened';
  }
}

describe('given, when, then', () => {
  const opened = Opened({ owner: 'ada' });
  function complaintOf(check: () => void): Complaint {
    try {
      check();
    } catch (error) {
      expect(error).to.be.instanceOf(AssertionError);
      return error as Complaint;
    }
    throw new Error('This check was expected to fail.');
  }

  it('passes when exactly the expected events were emitted', () => {
    given(new Account())
      .when((account) => account.open('ada'))
      .emits(Opened({ owner: 'ada' }));
    given(new Account(), opened)
      .when((account) => {
        account.close('moved');
        account.open('bob');
      })
      .emits(Closed({ reason: 'moved' }), { type: 'Opened', data: { owner: 'bob' } });
  });

  it('replays the past, and counts it', () => {
    const account = new Account();

    given(account, opened, Closed({ reason: 'moved' }))
      .when(() => {})
      .emitsNothing();

    expect(account.revision).to.equal(1n);
  });

  it('passes when nothing was emitted as expected', () => {
    given(new Account())
      .when((account) => account.close('never opened'))
      .emitsNothing();
  });

  it('passes when the act was refused as expected', () => {
    const refused = given(new Account(), opened).when((account) => account.open('bob'));

    refused.throws();
    refused.throws('open already (since');
    refused.throws(/^The account is open already/);
  });

  it('shows the difference when other events were emitted', () => {
    const { message, ...details } = complaintOf(() =>
      given(new Account(), opened)
        .when((account) => account.close('moved'))
        .emits(Closed({ reason: 'died' })),
    );

    expect(message).to.include('Account was expected to emit Closed, and emitted Closed');
    expect(details).to.deep.include({ actual: [Closed({ reason: 'moved' })], expected: [Closed({ reason: 'died' })], showDiff: true });
  });

  it('names what was emitted where nothing was expected', () => {
    const complaint = complaintOf(() =>
      given(new Account())
        .when((account) => account.open('ada'))
        .emitsNothing(),
    );

    expect(complaint.message).to.include('Account was expected to emit nothing, and emitted Opened');
  });

  it('fails for an event too few, too many, or in another order', () => {
    const outcome = given(new Account(), opened).when((account) => {
      account.close('moved');
      account.open('bob');
    });
    const [closed, reopened] = [Closed({ reason: 'moved' }), Opened({ owner: 'bob' })];

    complaintOf(() => outcome.emits(closed));
    complaintOf(() => outcome.emits(closed, reopened, reopened));
    complaintOf(() => outcome.emits(reopened, closed));
  });

  it('tells why the act was refused where events were expected', () => {
    const complaint = complaintOf(() =>
      given(new Account(), opened)
        .when((account) => account.open('bob'))
        .emits(Opened({ owner: 'bob' })),
    );

    expect(complaint.message).to.include('expected to emit Opened, but refused: The account is open already');
    expect(complaint.cause).to.be.instanceOf(Error);
  });

  it('fails when the act was expected to be refused, and was not, or for another reason', () => {
    const accepted = given(new Account()).when((account) => account.open('ada'));
    const refused = given(new Account(), opened).when((account) => account.open('bob'));

    expect(complaintOf(() => accepted.throws()).message).to.include('expected to refuse, but emitted Opened');
    complaintOf(() => refused.throws('is closed'));
    complaintOf(() => refused.throws('(since.today)'));
    complaintOf(() => refused.throws(/^is open/));
  });

  it('refuses an act that has only begun', () => {
    const late = async (account: Account): Promise<void> => account.open('ada');

    expect(() => given(new Account()).when((account) => void late(account))).to.not.throw();
    expect(() => given(new Account()).when((account) => late(account) as unknown as void)).to.throw(TypeError, 'promise');
  });
});
