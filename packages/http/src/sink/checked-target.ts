import { InvalidOptionsError } from '@waybill/core';
import { Policy } from '@waybill/resilience';
import type { TargetOptions } from './target-options.js';

const MODES = ['structured', 'binary', 'batch'];

/** @throws {@link InvalidOptionsError} what cannot work together, or at all */
export function checkedTarget(options: TargetOptions): { readonly url: URL; readonly name: string } {
  const { mode = 'structured', idempotent = false, policy, maxAnswerBytes = 1, redirects = 0 } = options;
  const url = checkedUrl(options.url);
  const name = options.name ?? url.host;
  const refuse = (detail: string): never => {
    throw new InvalidOptionsError(`Target ${name}: ${detail}`);
  };
  if (name === '') refuse('its name is empty; leave it out to have it named after its host');
  if (!MODES.includes(mode)) refuse(`there is no mode ${JSON.stringify(mode)}; choose one of ${MODES.join(', ')}`);
  if (mode === 'batch') {
    if (!idempotent)
      refuse('batches whose answer is lost are sent again as a whole, so `mode: batch` needs a target that is `idempotent: true`');
    if (options.request) refuse('`request` makes the request of one message; it does not go with `mode: batch`');
    if (options.query) refuse('`query` asks for one message; it does not go with `mode: batch`');
  }
  if (!(Number.isInteger(maxAnswerBytes) && maxAnswerBytes >= 1))
    refuse(`maxAnswerBytes is ${maxAnswerBytes}; it must be an integer from 1 on`);
  if (!(Number.isInteger(redirects) && redirects >= 0 && redirects <= 20))
    refuse(`redirects is ${redirects}; it must be an integer from 0 to 20`);
  if (policy instanceof Policy) {
    if (options.publicOnly !== undefined) refuse('`publicOnly` has to be said to the policy that is handed in');
    if (options.query && policy.onUnknownOutcome !== 'query')
      refuse('`query` is never asked under the policy that is handed in; say `onUnknownOutcome: query` to that');
    if (!options.query && policy.onUnknownOutcome === 'query') refuse('the policy that is handed in asks the target; give it `query`');
    if (!idempotent && policy.onUnknownOutcome === 'resend')
      refuse('the policy that is handed in sends again what may have been done; say `idempotent: true` here too, if it is');
  } else {
    for (const key of ['name', 'idempotent', 'publicOnly'])
      if (policy && key in policy) refuse(`\`${key}\` is said to the target, beside \`policy\`, and not in it`);
    if (policy?.onUnknownOutcome === 'query' && !options.query) refuse('`onUnknownOutcome: query` needs `query`, which asks the target');
    if (policy?.onUnknownOutcome === 'resend' && !idempotent)
      refuse('`onUnknownOutcome: resend` needs a target that is `idempotent: true`');
  }
  return { url, name };
}

/** The address is not told where it may hold a password. */
function checkedUrl(address: string | URL): URL {
  const url = URL.canParse(String(address)) ? new URL(address) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new InvalidOptionsError('The url of a target must be an absolute http or https address.');
  if (url.username !== '' || url.password !== '')
    throw new InvalidOptionsError('The url of a target must hold no user and no password; give them as `credentials`.');
  url.hash = '';
  return url;
}
