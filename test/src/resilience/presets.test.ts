import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { presets } from '@waybill/resilience';
import type { Preset, PresetNumbers } from '@waybill/resilience';

const README = new URL('../../../packages/resilience/README.md', import.meta.url);

/** The rows of the table of numbers, by their first cell. */
function documented(): ReadonlyMap<string, Readonly<Record<Preset, string>>> {
  const lines = readFileSync(README, 'utf8').split('\n');
  const begin = lines.findIndex((line) => line.startsWith('| option |'));
  const cells = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const names = cells(lines[begin]!).slice(1) as Preset[];
  const table = lines.slice(
    begin + 2,
    lines.findIndex((line, at) => at > begin && !line.startsWith('|')),
  );
  return new Map(
    table.map((line) => {
      const [option, ...values] = cells(line);
      return [option!.replaceAll('`', ''), Object.fromEntries(names.map((name, at) => [name, values[at]!])) as Record<Preset, string>];
    }),
  );
}

function toldOf({ limits, pool, concurrency, breaker, retry }: PresetNumbers): Readonly<Record<string, string>> {
  const number = (value: number): string => value.toLocaleString('en-US');
  const group = (name: string, values: object): [string, string][] =>
    Object.entries(values).map(([option, value]) => [`${name}.${option}`, number(value as number)]);
  const { window, threshold, ...others } = breaker;
  return Object.fromEntries([
    ...group('limits', limits),
    ...group('pool', pool),
    ['concurrency', number(concurrency)],
    ['breaker.window', 'calls' in window ? `${number(window.calls)} calls` : `${number(window.ms)} ms`],
    ['breaker.threshold', `${threshold * 100} %`],
    ...group('breaker', others),
    ...group('retry', retry),
  ]);
}

describe('the presets', () => {
  for (const [name, numbers] of Object.entries(presets) as [Preset, PresetNumbers][]) {
    it(`are as the README says: ${name}`, () => {
      const told = Object.fromEntries([...documented()].map(([option, values]) => [option, values[name]]));

      expect(told).to.deep.equal(toldOf(numbers));
    });
  }

  it('never send a payment again by themselves, nor over a connection that was used before', () => {
    expect(presets.payment).to.deep.nested.include({ 'retry.most': 0, 'pool.idleMs': 0 });
  });
});
