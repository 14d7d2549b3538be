/** The failures that users are told of, as they are thrown. What is none of them is thrown on. */
import { PilotError } from "../../src/errors.ts";

/** Returns the error of an action that throws at once. */
export function thrownBy(action: () => unknown): PilotError {
  try {
    action();
  } catch (error) {
    return asPilotError(error);
  }
  throw nothingThrown();
}

/** Returns the error of an action that takes its time. */
export async function errorOf(action: Promise<unknown>): Promise<PilotError> {
  try {
    await action;
  } catch (error) {
    return asPilotError(error);
  }
  throw nothingThrown();
}

function asPilotError(error: unknown): PilotError {
  if (error instanceof PilotError) return error;
  throw error;
}

function nothingThrown(): Error {
  return new Error("It was done all the same.");
}
