/** Processes as temporary files know them: this one, and one that has ended. */
import { thisMachine } from "../../src/cli/processes.ts";
import type { Processes } from "../../src/store/files/remains.ts";

export const PROCESSES: Processes = thisMachine();

/** Mark of a killed process of this machine. */
export const ENDED_MARK = PROCESSES.mark.replace(/\d+-\d+$/, "999999999-1");

/** Mark of a process on another machine, of which nothing is known. */
export const FOREIGN_MARK = PROCESSES.mark.replace(/^[0-9a-f]{8}/, (machine) =>
  machine === "00000000" ? "00000001" : "00000000",
);
