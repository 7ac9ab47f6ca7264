import { InvalidOptionsError } from '../errors.js';
import type { DefinedStep, ProcessDefinition } from './process-definition.js';
import type { ProcessStatus, StepState, StoredProcess, StoredStep } from './process-store.js';

/** What has to be done about a step's time-out or case, in the transaction of the change. */
export type StepEffect =
  | { readonly do: 'wait'; readonly step: string; readonly ms: number }
  | { readonly do: 'wait-no-more'; readonly step: string }
  | { readonly do: 'open-case'; readonly step: StoredStep; readonly kind: 'step-stuck' | 'compensation-stuck' }
  | { readonly do: 'close-cases'; readonly step: StoredStep };

/** A function of the definition that is to be called when the handler is through. */
export type Hook = { readonly call: 'onCompleted' | 'onFailed'; readonly step: string; readonly reason: string };

type Step = { -readonly [Field in keyof StoredStep]: StoredStep[Field] };

/**
 * The steps of one process, and what may become of them. It decides and writes nothing: what is to be done is left in `effects` and `hooks`.
 *
 * pending -> completed | failed | stuck; stuck -> completed | failed; completed -> compensating -> compensated. What completes after it had
 * failed, or while the process is taken back, goes on to compensating.
 */
export class Steps {
  readonly effects: StepEffect[] = [];
  readonly hooks: Hook[] = [];
  readonly #steps: Step[];
  /** Completed after they had failed, in a process that is not taken back as a whole. */
  readonly #late = new Set<string>();
  #status: ProcessStatus;
  #reason: string | undefined;
  #ended: boolean;

  constructor(
    private readonly definition: ProcessDefinition,
    stored: Pick<StoredProcess, 'status' | 'reason' | 'steps'> | undefined,
    private readonly now: Date,
  ) {
    this.#steps = (stored?.steps ?? []).map((step) => ({ ...step }));
    this.#status = stored?.status ?? 'running';
    this.#reason = stored?.reason;
    this.#ended = this.#status !== 'running' && this.#reason === undefined;
  }

  get status(): ProcessStatus {
    return this.#status;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  get all(): readonly StoredStep[] {
    return this.#steps;
  }

  get states(): Readonly<Record<string, StepState>> {
    return Object.fromEntries(this.#steps.map(({ step, state }) => [step, state]));
  }

  find(step: string): StoredStep | undefined {
    return this.#steps.find((one) => one.step === step);
  }

  begin(step: string): boolean {
    const { pendingTimeoutMs } = this.#defined(step);
    if (this.#status !== 'running' || this.find(step)) return false;
    this.#heardOf(step);
    if (pendingTimeoutMs !== undefined) this.effects.push({ do: 'wait', step, ms: pendingTimeoutMs });
    return true;
  }

  complete(name: string): boolean {
    const { irreversible } = this.#defined(name);
    const step = this.#heardOf(name);
    const hadFailed = step.state === 'failed';
    if (!hadFailed && !isUndecided(step)) return false;
    this.#decide(step, 'completed');
    step.completion = this.#nextCompletion();
    if (!hadFailed && this.#status === 'running') {
      this.hooks.push({ call: 'onCompleted', step: name, reason: '' });
    } else if (irreversible) {
      this.#stick(step, 'compensation-stuck', 'it completed although it counted as failed or the process was over, and it is irreversible');
    } else if (this.#reason === undefined) {
      this.#late.add(name);
    }
    return true;
  }

  fail(name: string, reason: string): boolean {
    const { onFailed } = this.#defined(name);
    const step = this.#heardOf(name);
    if (!isUndecided(step)) return false;
    this.#decide(step, 'failed', reason);
    if (this.#status === 'running' && onFailed) this.hooks.push({ call: 'onFailed', step: name, reason });
    else this.compensate(`step "${name}" failed: ${reason}`);
    return true;
  }

  compensate(reason: string): boolean {
    if (this.#status !== 'running') return false;
    this.#status = 'compensating';
    this.#reason = reason;
    return true;
  }

  compensated(name: string): boolean {
    this.#defined(name);
    const step = this.#steps.find((one) => one.step === name);
    if (!step || !isBeingTakenBack(step)) return false;
    this.#decide(step, 'compensated');
    return true;
  }

  end(): boolean {
    if (this.#status !== 'running') return false;
    const open = this.#steps.filter(isOpen).map(({ step, state }) => `"${step}" is ${state}`);
    if (open.length > 0)
      throw new InvalidOptionsError(
        `Process "${this.definition.name}" cannot end yet: step ${open.join(', step ')}. Complete or fail it first.`,
      );
    this.#ended = true;
    this.#status = 'completed';
    return true;
  }

  /** It was done, at least in part, by its own account, and everything is to be taken back. */
  takeBack(name: string, reason: string): void {
    const step = this.#heardOf(name);
    this.#decide(step, 'completed', reason);
    step.completion = this.#nextCompletion();
    if (!this.compensate(`step "${name}" is to be taken back: ${reason}`) && this.#reason === undefined) this.#late.add(name);
  }

  /** A person has taken it back. */
  takenBackByHand(name: string, reason: string): void {
    const step = this.#heardOf(name);
    const isPartOfIt = isBeingTakenBack(step);
    this.#decide(step, 'compensated', reason);
    if (!isPartOfIt) this.compensate(`step "${name}" was taken back: ${reason}`);
  }

  /** An irreversible step that completed too late stays as it is: a person has said so. */
  leftByHand(name: string, reason: string): void {
    this.#decide(this.#heardOf(name), 'completed', reason);
  }

  /** Nobody could say what came of it, or whether it was taken back. @returns true when it is a person's now */
  undecided(name: string, detail: string): boolean {
    const step = this.#heardOf(name);
    const { status, pendingTimeoutMs } = this.#defined(name);
    if (step.state === 'compensating') return this.#stick(step, 'compensation-stuck', detail);
    step.asked++;
    if (!status || step.asked >= this.definition.statusAttempts) return this.#stick(step, 'step-stuck', detail);
    this.effects.push({ do: 'wait', step: name, ms: pendingTimeoutMs! });
    return false;
  }

  /** The next whose compensation is to be sent now; it counts as sent. */
  nextToTakeBack(): string | undefined {
    const next = this.#late.size > 0 ? this.#lastOf((step) => this.#late.has(step.step)) : this.#nextInOrder();
    if (!next) return undefined;
    this.#late.delete(next.step);
    const { compensationConfirmed, pendingTimeoutMs } = this.#defined(next.step);
    next.state = compensationConfirmed ? 'compensating' : 'compensated';
    if (compensationConfirmed && pendingTimeoutMs !== undefined) this.effects.push({ do: 'wait', step: next.step, ms: pendingTimeoutMs });
    return next.step;
  }

  /** To be called last: what the process is now. */
  settle(): void {
    if (this.#reason !== undefined)
      for (const step of this.#steps)
        if (step.state === 'completed' && this.#defined(step.step).irreversible) step.detail ??= 'irreversible: left as it is';
    if (this.#status === 'running') return;
    const isOver = !this.#steps.some(isOpen) && this.#late.size === 0;
    this.#status = !isOver ? 'compensating' : this.#ended ? 'completed' : 'compensated';
  }

  /** In reverse order of completion, each after the one before is confirmed. */
  #nextInOrder(): Step | undefined {
    if (this.#reason === undefined) return undefined;
    const reversible = this.#steps.filter(({ step }) => !this.#defined(step).irreversible);
    if (reversible.some(isBeingTakenBack)) return undefined;
    return this.#lastOf((step) => step.state === 'completed' && reversible.includes(step));
  }

  #lastOf(wanted: (step: Step) => boolean): Step | undefined {
    return this.#steps.filter(wanted).sort((one, other) => (other.completion ?? 0) - (one.completion ?? 0))[0];
  }

  #decide(step: Step, state: StepState, detail?: string): void {
    if (step.state === 'stuck') this.effects.push({ do: 'close-cases', step: { ...step } });
    else this.effects.push({ do: 'wait-no-more', step: step.step });
    step.state = state;
    if (detail === undefined) delete step.detail;
    else step.detail = detail;
  }

  #stick(step: Step, kind: 'step-stuck' | 'compensation-stuck', detail: string): true {
    step.state = 'stuck';
    step.detail = detail;
    this.effects.push({ do: 'open-case', step: { ...step }, kind });
    return true;
  }

  /** Also one that nobody began: what others did of themselves is remembered, and taken back with the rest. */
  #heardOf(name: string): Step {
    const known = this.#steps.find(({ step }) => step === name);
    if (known) return known;
    const step: Step = { step: name, state: 'pending', begunAt: this.now.toISOString(), asked: 0 };
    this.#steps.push(step);
    return step;
  }

  #nextCompletion(): number {
    return 1 + Math.max(0, ...this.#steps.map(({ completion = 0 }) => completion));
  }

  #defined(step: string): DefinedStep {
    const { name, steps } = this.definition;
    if (Object.hasOwn(steps, step)) return steps[step]!;
    throw new InvalidOptionsError(
      `Process "${name}" has no step "${step}". Name one of ${Object.keys(steps).join(', ')}; one that was renamed must stay for as long as processes have it.`,
    );
  }
}

/** Stuck is either: nobody knows what came of it, or nobody confirms that it was taken back. */
const isUndecided = ({ state, completion }: StoredStep): boolean => state === 'pending' || (state === 'stuck' && completion === undefined);
const isBeingTakenBack = ({ state, completion }: StoredStep): boolean =>
  state === 'compensating' || (state === 'stuck' && completion !== undefined);
const isOpen = ({ state }: StoredStep): boolean => state === 'pending' || state === 'stuck' || state === 'compensating';
