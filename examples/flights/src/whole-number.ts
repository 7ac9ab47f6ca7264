import { InvalidArgumentError } from 'commander';

/** Reads an option that is a whole number; digits may be grouped. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text.replaceAll(/[_,]/g, ''));
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}
