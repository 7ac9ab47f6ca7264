import { isWaybillError } from '../errors.js';
import type { DispatcherEvent, DispatcherEvents } from '../dispatcher/dispatcher-events.js';
import { alarmKey } from './alarm.js';
import type { Finding } from './alarm.js';
import { databaseReplaced, laneHalted, leaseLost, streamStopped } from './findings.js';
import type { Obstacle } from './findings.js';

/** What a dispatcher's event has to tell people; `undefined` for most. */
export function alarmOf({ name, event }: DispatcherEvent, since: Date): Finding | undefined {
  switch (name) {
    case 'halted':
      return laneHalted({ ...event, since }, obstacleOf(event));
    case 'stream-halted':
      return streamStopped({ ...event, since }, obstacleOf(event), 'halted');
    case 'parked':
      return streamStopped({ ...event, since }, obstacleOf(event), 'parked');
    case 'lease-lost':
      return leaseLost({ ...event, since });
    case 'trouble':
      return isWaybillError(event.error, 'DATABASE_REPLACED') || isWaybillError(event.error, 'WITNESS_BEHIND')
        ? databaseReplaced(event.error, since)
        : undefined;
    default:
      return undefined;
  }
}

/** Troubles that are over with an event, or that are news if they come again. */
export interface Ending {
  readonly key: string;
  /** Only if it stands at this message. */
  readonly messageId?: string;
  /** `begun-anew`: somebody has seen to it; that it is over is told later, and that it is not, at once. */
  readonly how: 'over' | 'begun-anew';
}

/** What a dispatcher's event ends. */
export function endedBy({ name, event }: DispatcherEvent): readonly Ending[] {
  switch (name) {
    case 'resumed':
      if (event.stream !== undefined) return [{ key: streamKey(event.route, event.stream), how: 'begun-anew' }];
      return [{ key: laneKey(event), how: 'over' }];
    case 'skipped':
      return [
        { key: laneKey(event), messageId: event.message.id, how: 'over' },
        { key: streamKey(event.route, event.message.stream), messageId: event.message.id, how: 'begun-anew' },
      ];
    case 'redriven':
      return [{ key: streamKey(event.route, event.stream), how: 'over' }];
    case 'recovered':
      return [{ key: alarmKey('sink-unavailable', event.route), how: 'over' }];
    default:
      return [];
  }
}

const obstacleOf = ({ message, error, attempts }: DispatcherEvents['halted']): Obstacle => ({
  messageId: message.id,
  stream: message.stream,
  revision: message.revision,
  type: message.type,
  attempts,
  code: error.code,
  error: error.message,
});

const laneKey = ({ route, lane }: { readonly route: string; readonly lane: number }): string => alarmKey('lane-halted', route, lane);
const streamKey = (route: string, stream: string): string => alarmKey('stream-stopped', route, stream);
