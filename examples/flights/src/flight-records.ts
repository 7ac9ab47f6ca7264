import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** One real flight of 2001, as the U.S. Bureau of Transportation Statistics recorded it. It has no id but its place in the file. */
export interface FlightRecord {
  /** Planned departure, local time. */
  readonly date: string;
  /** Minutes; negative: early. */
  readonly delay: number;
  /** Miles. */
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

export const MOST_FLIGHTS = 3_000_000;

const JSON_FILES = [2_000, 5_000, 10_000, 20_000];
const ROWS_AT_ONCE = 20_000; // about 10 MB of objects, whatever the size

/** The file that has that many flights. */
export function flightFile(size: number): string {
  const holds = JSON_FILES.find((flights) => flights >= size);
  return holds === undefined ? 'flights-3m.parquet' : `flights-${holds / 1_000}k.json`;
}

/** The first `size` records of the file, without keeping them. */
export async function* flightRecords(size: number): AsyncGenerator<FlightRecord> {
  const name = flightFile(size);
  if (name.endsWith('.json')) yield* (JSON.parse(await readFile(datasetPath(name), 'utf8')) as FlightRecord[]).slice(0, size);
  else yield* parquetRecords(datasetPath(name), size);
}

interface ParquetFlight {
  readonly date: Date;
  readonly delay: bigint;
  readonly distance: bigint;
  readonly origin: string;
  readonly destination: string;
}

async function* parquetRecords(path: string, size: number): AsyncGenerator<FlightRecord> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  for (let rowStart = 0; rowStart < size; rowStart += ROWS_AT_ONCE) {
    const rowEnd = Math.min(rowStart + ROWS_AT_ONCE, size);
    for (const row of (await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd })) as unknown as ParquetFlight[]) {
      const date = row.date.toISOString().slice(0, 16).replace('T', ' ').replaceAll('-', '/'); // as the JSON files have it
      yield { date, delay: Number(row.delay), distance: Number(row.distance), origin: row.origin, destination: row.destination };
    }
  }
}

/** Names of airports by their code. */
export async function airportNames(): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile(datasetPath('airports.csv'), 'utf8')).split(/\r?\n/).slice(1);
  return new Map(lines.filter((line) => line !== '').map(airportOf));
}

function airportOf(line: string): [code: string, name: string] {
  const [code = '', name = '', city = ''] = [...line.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain);
  return [code, name.includes(city) ? name : `${city} ${name}`];
}

function datasetPath(name: string): string {
  return fileURLToPath(new URL(`../data/${name}`, import.meta.resolve('vega-datasets')));
}
