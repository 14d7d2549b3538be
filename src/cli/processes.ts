/** Marks of processes, in the names of their temporary files. */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Processes } from "../store/files/remains.ts";

/** The processes of this machine, since its last start and in this container: the only ones that can be asked whether they are there. */
export function thisMachine(): Processes {
  const machine = createHash("sha256")
    .update([hostname(), read("/proc/sys/kernel/random/boot_id"), namespaceOf()].join("\n"))
    .digest("hex")
    .slice(0, 8);
  return {
    mark: `${machine}-${process.pid}-${startOf(process.pid)}`,
    isRunning: (mark) => {
      const [home, id, start] = mark.split("-");
      if (home !== machine) return undefined;
      // NOTE: the number of a process is given again; its start tells it from the one that had it before.
      return exists(Number(id)) && startOf(Number(id)) === start;
    },
  };
}

function exists(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // NOTE: a process of another user may not be asked, and is there.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Index of the start time among the fields after the program name, which may contain anything; see proc_pid_stat(5). */
const START_FIELD = 19;

/** Ticks from the start of the machine; "0" where no system tells. */
function startOf(processId: number): string {
  const status = read(`/proc/${processId}/stat`);
  return status.slice(status.lastIndexOf(")") + 2).split(" ")[START_FIELD] ?? "0";
}

function namespaceOf(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** Empty where there is no such file: on systems without /proc. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
