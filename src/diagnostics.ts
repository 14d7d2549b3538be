/**
 * Reports the steps of a command to one listener. Nobody listens unless the user asks for it (`--verbose`); without a listener, a step
 * costs one comparison. The listener has the clock. Values from a log or from a user are never reported.
 */

/** `{ lines: 1200 }`, in the order in which they are shown. */
export type StepFigures = Readonly<Record<string, string | number>>;

export interface DiagnosticListener {
  /** A step begins. What it returns is called at the end of the step, with what that came to. */
  readonly onStep: (name: string) => (figures: StepFigures) => void;
  /** A statement of SQL begins, its values not filled in. What it returns is called at its end. */
  readonly onStatement: (sql: string) => (rows: number) => void;
  /** How SQLite goes about a statement, a line each; undefined: nobody wants to know. */
  readonly onPlan: ((sql: string, plan: readonly string[]) => void) | undefined;
}

let listener: DiagnosticListener | undefined;

/** Tells `to` from now on; undefined: nobody. */
export function listen(to: DiagnosticListener | undefined): void {
  listener = to;
}

export function diagnosticListener(): DiagnosticListener | undefined {
  return listener;
}

const FAILED: StepFigures = { failed: "yes" };

/** Runs `action`, which may go on for a while, as a step of this name. */
export function traced<Result>(
  name: string,
  action: () => Result,
  figuresOf: (result: Awaited<Result>) => StepFigures = () => ({}),
): Result {
  const end = listener?.onStep(name);
  if (end === undefined) return action();
  try {
    const result = action();
    if (!(result instanceof Promise)) {
      end(figuresOf(result as Awaited<Result>));
      return result;
    }
    return result.then(
      (value: Awaited<Result>) => {
        end(figuresOf(value));
        return value;
      },
      (error: unknown) => {
        end(FAILED);
        throw error;
      },
    ) as Result;
  } catch (error) {
    end(FAILED);
    throw error;
  }
}
