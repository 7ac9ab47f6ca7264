import { InvalidOptionsError } from '@waybill/core';
import type { Clock } from '@waybill/core';
import { inTime } from './in-time.js';
import { checkedHeaders } from './request-headers.js';

/** What a target wants to see, and until when it is good: absent, until the target answers 401. */
export type Credentials = ({ readonly bearer: string } | { readonly username: string; readonly password: string }) & {
  readonly expiresAt?: Date;
};

export type CredentialsSource = (options: { readonly signal: AbortSignal }) => Promise<Credentials> | Credentials;

/** What is sent, and a grip to say that it was refused. */
export interface Authorization {
  readonly header: string;
}

// A token that runs out on its way is as good as none.
const EARLY_MS = 10_000;

/** One target's credentials: fetched once for all lanes, and again when they run out or were refused. */
export class CredentialCache {
  #current: { readonly authorization: Authorization; readonly expiresAt: number } | undefined;
  #fetching: Promise<Authorization> | undefined;
  #end: AbortController | undefined;

  constructor(
    private readonly source: CredentialsSource,
    private readonly clock: Clock,
  ) {}

  /** Rejects with what the source throws, and when `signal` aborts; whoever else waits for the same goes on waiting. */
  async get(signal: AbortSignal): Promise<Authorization> {
    if (this.#current && this.clock.now().getTime() < this.#current.expiresAt) return this.#current.authorization;
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    this.#fetching.catch(() => {}); // whoever waited may have gone
    return inTime('credentials', this.#fetching, { clock: this.clock, signal });
  }

  /** The target answered 401 to these. Those that were fetched since are left alone. */
  refuse(authorization: Authorization): void {
    if (this.#current?.authorization === authorization) this.#current = undefined;
  }

  /** Ends a fetch that is under way. */
  close(): void {
    this.#end?.abort();
  }

  async #fetch(): Promise<Authorization> {
    const end = (this.#end = new AbortController());
    const asked = Promise.resolve(this.source({ signal: end.signal }));
    const credentials = await inTime('credentials', asked, { clock: this.clock, signal: end.signal }).catch((error: unknown) => {
      end.abort(error);
      throw error;
    });
    const authorization = { header: authorizationOf(credentials) };
    const expiresAt = credentials.expiresAt === undefined ? Number.POSITIVE_INFINITY : credentials.expiresAt.getTime() - EARLY_MS;
    this.#current = { authorization, expiresAt };
    return authorization;
  }
}

function authorizationOf(credentials: Credentials): string {
  const { bearer, username, password } = (credentials ?? {}) as Partial<Record<'bearer' | 'username' | 'password', unknown>>;
  // What no compiler has checked: an answer of a token server that holds an error, and no token.
  if (!isText(bearer) && !(bearer === undefined && isText(username) && typeof password === 'string'))
    throw new InvalidOptionsError(
      '`credentials` gave neither a `bearer` nor a `username` and a `password`; have it throw where it has none.',
    );
  const header =
    'bearer' in credentials
      ? `Bearer ${credentials.bearer}`
      : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  if ('username' in credentials && credentials.username.includes(':'))
    throw new InvalidOptionsError(
      'The user name of basic credentials holds a colon, which no server can tell from the one before the password.',
    );
  return checkedHeaders({ authorization: header })['authorization']!;
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
