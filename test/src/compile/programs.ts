import ts from 'typescript';
import { fileURLToPath } from 'node:url';

export const fixtures = fileURLToPath(new URL('../../programs/', import.meta.url));

/** A diagnostic as a user reads it. */
export interface Complaint {
  readonly file: string;
  /** One-based. */
  readonly line: number;
  readonly text: string;
}

export type DecoratorMode = 'standard' | 'legacy';

const DIRECTIVE = '@ts-expect-error';

/** What the compiler says about these files, with every `@ts-expect-error` taken away. */
export function complaintsAbout(files: readonly string[], mode: DecoratorMode): readonly Complaint[] {
  const options = optionsOf(mode);
  const host = ts.createCompilerHost(options);
  const readFile = host.readFile.bind(host);
  host.readFile = (name) =>
    name.startsWith(fixtures) ? readFile(name)?.replaceAll(DIRECTIVE, '-'.repeat(DIRECTIVE.length)) : readFile(name);

  const program = ts.createProgram([...files], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => ({
    file: file?.fileName ?? '',
    line: file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0,
    text: ts.flattenDiagnosticMessageText(messageText, '\n'),
  }));
}

function optionsOf(mode: DecoratorMode): ts.CompilerOptions {
  const { config } = ts.readConfigFile(`${fixtures}tsconfig.json`, (name) => ts.sys.readFile(name)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, fixtures);
  return { ...options, ...(mode === 'legacy' && { experimentalDecorators: true, emitDecoratorMetadata: true }) };
}

/** The sentences that a fixture says its mistakes are told with. */
export function expectedIn(file: string): readonly Complaint[] {
  const lines = (ts.sys.readFile(file) ?? '').split('\n');
  return lines.flatMap((text, index) => {
    const [, sentence] = text.split(`// ${DIRECTIVE} `);
    return sentence === undefined ? [] : [{ file, line: index + 1, text: sentence }];
  });
}
