import { Client, type Dispatcher, Pool } from 'undici';
import type { PolicySettings } from '../policy-settings.js';
import { type Address, checkedAddress } from './address.js';
import { connectorOf } from './connector.js';

// Targets that users name may be many; who is not in use is let go beyond that.
const MOST_IDLE_ORIGINS = 64;
const MOST_ADDRESSES = 256;

/** The connections of a policy: a pool for each origin that it talks to. */
export class Connections {
  readonly #pools = new Map<string, Pool>();
  readonly #addresses = new Map<string, Address>();
  readonly #connect: ReturnType<typeof connectorOf>;

  constructor(private readonly settings: PolicySettings) {
    this.#connect = connectorOf(settings);
  }

  /**
   * Most policies talk to one address, and need not take it apart each time.
   *
   * @throws {@link InvalidOptionsError} nothing can be sent there
   */
  address(url: string | URL): Address {
    const text = typeof url === 'string' ? url : url.href;
    const known = this.#addresses.get(text);
    if (known !== undefined) return known;
    const address = checkedAddress(text);
    if (this.#addresses.size >= MOST_ADDRESSES) this.#addresses.clear();
    this.#addresses.set(text, address);
    return address;
  }

  to(origin: string): Pool {
    const known = this.#pools.get(origin);
    if (known !== undefined) return known;
    if (this.#pools.size >= MOST_IDLE_ORIGINS) this.letGo();
    const pool = this.newPool(origin);
    this.#pools.set(origin, pool);
    return pool;
  }

  /** True where a request has to wait for others: all connections are made, and none is free. */
  isFull(origin: string): boolean {
    const { connected, free } = this.to(origin).stats;
    return connected >= this.settings.pool.connections && free === 0;
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.close()));
  }

  private letGo(): void {
    for (const [origin, pool] of this.#pools) {
      if (pool.stats.size > 0) continue;
      this.#pools.delete(origin);
      void pool.close();
    }
  }

  private newPool(origin: string): Pool {
    const { pool, clock } = this.settings;
    const idleMs = Math.max(1, pool.idleMs);
    return new Pool(origin, {
      connections: pool.connections,
      headersTimeout: 0, // each exchange keeps its own time
      bodyTimeout: 0,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs, // a server that promises more is not believed
      pipelining: 1,
      factory: (url, options) =>
        new Connection(url, options, {
          connect: this.#connect,
          now: () => clock.monotonic(),
          lifeMs: pool.idleMs === 0 ? 0 : pool.lifeMs,
        }),
    });
  }
}

interface ConnectionOptions {
  readonly connect: ReturnType<typeof connectorOf>;
  readonly now: () => number;
  readonly lifeMs: number;
}

/**
 * One connection of a pool, which ends with the first answer after its time.
 *
 * The pool's own `clientTtl` closes a connection before a request, which may then wait for ever for one that nobody makes.
 */
class Connection extends Client {
  #madeAt = Number.POSITIVE_INFINITY;

  constructor(
    url: URL,
    options: Client.Options,
    private readonly own: ConnectionOptions,
  ) {
    super(url, {
      ...options,
      connect: (target, callback) =>
        own.connect(target, (...result) => {
          this.#madeAt = own.now();
          callback(...result);
        }),
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const { lifeMs, now } = this.own;
    const isLast = lifeMs === 0 || now() - this.#madeAt >= lifeMs;
    return super.dispatch(isLast ? { ...options, reset: true } : options, handler);
  }
}
