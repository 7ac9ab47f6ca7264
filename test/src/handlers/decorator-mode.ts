let mode = '';

const look = (_target: unknown, where: unknown, _descriptor?: unknown): void => {
  mode = typeof where === 'object' ? 'standard' : 'legacy';
};

class Looked {
  @look
  method(): void {}
}
void Looked;

/** These tests are compiled twice, by two projects: with standard decorators and with legacy ones. */
export const decoratorMode = mode;
