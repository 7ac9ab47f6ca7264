import { TokenBucket } from 'limiter';
import type { RateLimit } from '../policy-options.js';

/** A bucket that is full at first: limiter's begins empty. */
export function fullBucket({ limit, perMs, burst = limit }: RateLimit): TokenBucket {
  const bucket = new TokenBucket({ bucketSize: burst, tokensPerInterval: limit, interval: perMs });
  bucket.content = burst;
  return bucket;
}
