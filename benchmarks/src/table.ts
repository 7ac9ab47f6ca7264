import type { Verdict } from './figure.js';
import type { Measured } from './suite.js';

const HEADS = ['server', 'section', 'figure', 'ours', 'verdict', 'yardstick', 'its verdict', 'ratio', 'target'] as const;

/** The figures as one table, verdicts and failures included. */
export function tableOf(figures: readonly Measured[]): string {
  const rows = [HEADS, ...figures.map(rowOf)];
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`);
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function rowOf({ server, section, name, unit, ours, yardstick, ratio, target, verdict }: Measured): readonly string[] {
  const measured = yardstick?.value === undefined ? '' : `${amount(yardstick.value)} ${unit}`;
  return [
    server,
    section,
    name,
    `${amount(ours)} ${unit}`,
    words(verdict),
    yardstick ? `${yardstick.name}: ${measured || 'not measured'}` : '',
    yardstick ? words(yardstick.verdict) : '',
    ratio === undefined ? '' : `${ratio.toFixed(2)}x`,
    target ? `${target.text}: ${target.met ? 'met' : 'MISSED'}` : '',
  ];
}

export const words = ({ right, found }: Verdict): string => `${right ? 'right' : 'WRONG'}: ${found}`;

function amount(value: number): string {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US');
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
