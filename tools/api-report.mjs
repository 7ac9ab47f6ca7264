/**
 * One API report per public entry, in `etc/`: a change of a public signature shows in review.
 * Without arguments it fails when a report is not what the build says; with `--update` it rewrites the reports.
 */
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { entriesOf, publicPackages } from './public-packages.mjs';

const update = process.argv.includes('--update');
const temp = mkdtempSync(join(tmpdir(), 'waybill-api-'));
process.on('exit', () => rmSync(temp, { recursive: true }));
const expected = new Set();
mkdirSync('etc', { recursive: true });
let failures = 0;

for (const { folder, manifest } of publicPackages()) {
  for (const { specifier, types } of entriesOf({ manifest })) {
    const report = `${specifier.replace('@waybill/', '').replaceAll('/', '-')}.api.md`;
    expected.add(report);
    if (!extract(folder, types, report)) failures += 1;
  }
}
removeOrphans();
if (failures > 0) console.log('Read the difference; if it is meant: npm run api:update, and commit etc/.');
process.exitCode = failures > 0 ? 1 : 0;

function extract(folder, types, report) {
  if (!existsSync(join(folder, types))) {
    console.log(`NOT BUILT  ${join(folder, types)}`);
    return false;
  }
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: resolve(folder, 'package.json'),
    configObject: {
      projectFolder: resolve(folder),
      mainEntryPointFilePath: resolve(folder, types),
      compiler: { tsconfigFilePath: resolve(folder, 'tsconfig.json') },
      apiReport: { enabled: true, reportFileName: report, reportFolder: resolve('etc'), reportTempFolder: temp },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          'ae-undocumented': { logLevel: ExtractorLogLevel.None, addToApiReportFile: true },
          'ae-unresolved-link': { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  const { errorCount, apiReportChanged } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      if (message.logLevel !== ExtractorLogLevel.Error) message.logLevel = ExtractorLogLevel.None; // the report has it
    },
  });
  const succeeded = errorCount === 0 && (update || !apiReportChanged);
  console.log(`${succeeded ? (apiReportChanged ? 'written' : 'as committed') : 'CHANGED'}  etc/${report}`);
  if (!succeeded) printDifference(join('etc', report), join(temp, report));
  return succeeded;
}

function printDifference(committed, actual) {
  const { stdout } = spawnSync('diff', ['-uN', committed, actual], { encoding: 'utf8' });
  console.log(stdout?.split('\n').slice(2, 60).join('\n'));
}

function removeOrphans() {
  for (const file of readdirSync('etc')) {
    if (expected.has(basename(file)) || !file.endsWith('.api.md')) continue;
    console.log(`${update ? 'removed' : 'ORPHAN'}  etc/${file}`);
    if (update) rmSync(join('etc', file));
    else failures += 1;
  }
}
