import { randomBytes } from 'node:crypto';

/** The keys that requests are signed with, and when the sender changes from one to the other. */
export class Keys {
  readonly old = aKey();
  readonly new = aKey();
  #rotated = false;

  /** What the sender signs with now. */
  readonly inUse = (): readonly string[] => [this.#rotated ? this.new : this.old];

  rotate(): void {
    this.#rotated = true;
  }
}

/** As Standard Webhooks writes them. */
const aKey = (): string => `whsec_${randomBytes(32).toString('base64')}`;
