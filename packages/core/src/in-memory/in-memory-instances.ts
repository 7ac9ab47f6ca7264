import type { InstanceBeat, Instances, LiveInstance } from '../outbox/instances.js';
import type { InMemoryState } from './in-memory-state.js';

export class InMemoryInstances implements Instances {
  constructor(private readonly state: InMemoryState) {}

  async beat({ route, id, name, aliveMs }: InstanceBeat): Promise<readonly LiveInstance[]> {
    const aliveUntil = new Date(this.state.clock.now().getTime() + aliveMs);
    this.state.instances.set(keyOf(route, id), { route, id, name, aliveUntil });
    for (const gone of this.#gone()) this.state.instances.delete(keyOf(gone.route, gone.id));
    return (await this.live()).filter((instance) => instance.route === route).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  leave(route: string, id: string): Promise<void> {
    this.state.instances.delete(keyOf(route, id));
    return Promise.resolve();
  }

  live(): Promise<readonly LiveInstance[]> {
    const gone = new Set(this.#gone());
    return Promise.resolve([...this.state.instances.values()].filter((instance) => !gone.has(instance)));
  }

  #gone(): readonly LiveInstance[] {
    const now = this.state.clock.now();
    return [...this.state.instances.values()].filter(({ aliveUntil }) => aliveUntil <= now);
  }
}

const keyOf = (route: string, id: string): string => JSON.stringify([route, id]);
