import type { Fate } from './network.js';

/** One step of a world's story, as plain data: the same choices in the same setup give the same story. */
export type Choice =
  | { readonly act: 'happen'; readonly label: string; readonly fate: Fate }
  | { readonly act: 'tick'; readonly process: string }
  | { readonly act: 'pass'; readonly ms: number }
  | { readonly act: 'begin'; readonly transaction: string; readonly streams: readonly string[]; readonly count: number }
  | { readonly act: 'commit' | 'roll-back'; readonly transaction: string }
  | { readonly act: 'crash' | 'thaw' | 'cut-off' | 'reconnect' | 'join' | 'leave'; readonly process: string }
  | { readonly act: 'freeze'; readonly process: string; readonly suspended: boolean }
  | { readonly act: 'sink-down' | 'sink-up'; readonly route: string }
  | { readonly act: 'poison' | 'make-killer' | 'cure'; readonly route: string; readonly message: string }
  | { readonly act: 'order'; readonly kind: 'resume' | 'skip' | 'redrive'; readonly route: string };

/** A line of a story. */
export function told(choice: Choice): string {
  switch (choice.act) {
    case 'happen':
      return `${choice.label}${choice.fate === 'well' ? '' : ` [${choice.fate}]`}`;
    case 'tick':
      return `time goes on to the next timer of ${choice.process}`;
    case 'pass':
      return `${choice.ms} ms pass`;
    case 'begin':
      return `transaction ${choice.transaction} appends ${choice.count} each to ${choice.streams.join(', ')}`;
    case 'commit':
      return `transaction ${choice.transaction} commits`;
    case 'roll-back':
      return `transaction ${choice.transaction} is rolled back`;
    case 'freeze':
      return `${choice.process} freezes${choice.suspended ? ', its monotonic clock with it' : ''}`;
    case 'sink-down':
    case 'sink-up':
      return `${choice.act} ${choice.route}`;
    case 'poison':
    case 'make-killer':
    case 'cure':
      return `${choice.act} ${choice.message} for ${choice.route}`;
    case 'order':
      return `an operator orders: ${choice.kind} ${choice.route}`;
    default:
      return `${choice.act} ${choice.process}`;
  }
}
