import type { DispatchStores } from '../database.js';
import { InvalidOptionsError } from '../errors.js';
import { isPlainText } from '../plain-text.js';

/**
 * Ends a route that no dispatcher runs any more; see `Dispatcher.retireRoute`.
 *
 * @throws {@link InvalidOptionsError} somebody runs it; there never was such a route
 */
export async function retireRoute(name: string, { routes, instances }: Pick<DispatchStores, 'routes' | 'instances'>): Promise<void> {
  const alive = (await instances.live()).filter(({ route }) => route === name);
  if (alive.length > 0)
    throw new InvalidOptionsError(`Route "${name}" is still run by ${alive.map((one) => one.name).join(', ')}. Stop it there first.`);
  if (!isPlainText(name) || !(await routes.find(name))) {
    const known = (await routes.all()).filter(({ retiredAt }) => !retiredAt).map((route) => `"${route.name}"`);
    throw new InvalidOptionsError(`The database knows no route "${name}"; it knows ${known.join(', ') || 'none'}.`);
  }
  await routes.retire(name);
}
