/** Preloaded into a process whose clock is to be wrong: by so many milliseconds as the environment says, for whoever asks. */
const offByMs = Number(process.env['CLOCK_OFF_BY_MS'] ?? 0);
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (_target, values: unknown[], asked) =>
    Reflect.construct(RealDate, values.length === 0 ? [RealDate.now() + offByMs] : values, asked) as Date,
  get: (target, name) => (name === 'now' ? () => RealDate.now() + offByMs : (Reflect.get(target, name) as unknown)),
});
