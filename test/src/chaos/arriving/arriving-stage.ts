import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { startServer } from '../chaos-server.js';
import type { ChaosServer } from '../chaos-server.js';
import type { DatabaseKind } from '../dispatcher-order.js';
import { ArrivingScene } from './arriving-scene.js';
import type { Role } from './arriving-order.js';

export interface SceneWishes {
  readonly server?: 'own';
  readonly effectsApart?: boolean;
}

/** Servers of one suite, and the scenes that are played on them. */
export class ArrivingStage {
  readonly #scenes: ArrivingScene[] = [];
  readonly #owned: EventStoreDBEmulator[] = [];
  #opened = 0;

  private constructor(
    private readonly server: ChaosServer,
    private readonly eventstoredb: EventStoreDBEmulator,
  ) {}

  static async open(kind: DatabaseKind): Promise<ArrivingStage> {
    return new ArrivingStage(await startServer(kind), await EventStoreDBEmulator.start());
  }

  /** With a database, and streams, of its own; and with an EventStoreDB, where that is going to be ill-treated. */
  async scene(role: Role, { server, effectsApart }: SceneWishes = {}): Promise<ArrivingScene> {
    const category = `${role}${this.#opened++}`;
    const eventstoredb = server === 'own' ? await this.#own() : this.eventstoredb;
    const scene = await ArrivingScene.open({ server: this.server, eventstoredb, role, category, ...(effectsApart && { effectsApart }) });
    this.#scenes.push(scene);
    return scene;
  }

  async #own(): Promise<EventStoreDBEmulator> {
    const eventstoredb = await EventStoreDBEmulator.start();
    this.#owned.push(eventstoredb);
    return eventstoredb;
  }

  async close(): Promise<void> {
    await Promise.all(this.#scenes.map((scene) => scene.close()));
    await Promise.all([this.eventstoredb, ...this.#owned].map((eventstoredb) => eventstoredb.stop()));
    await this.server.stop();
  }
}
