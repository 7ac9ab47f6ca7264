import Mocha from 'mocha';

export interface Verdict {
  readonly passed: readonly string[];
  /** Titles of failed tests, with what they said. */
  readonly failed: readonly { readonly title: string; readonly said: string }[];
}

class Silent extends Mocha.reporters.Base {
  override epilogue(): void {}
}

/** Registers a kit with a mocha of its own and runs those of its tests whose title holds the text. */
export async function runKit(register: () => void, title = ''): Promise<Verdict> {
  const mocha = new Mocha({ reporter: Silent, timeout: 15_000 });
  mocha.suite.emit('pre-require', {}, null, mocha);
  register();
  mocha.fgrep(title);

  const passed: string[] = [];
  const failed: { title: string; said: string }[] = [];
  await new Promise((resolve) => {
    mocha
      .run(resolve)
      .on('pass', (test) => passed.push(test.title))
      .on('fail', (test, error: Error) => failed.push({ title: test.title, said: error.message }));
  });
  mocha.dispose();
  return { passed, failed };
}
