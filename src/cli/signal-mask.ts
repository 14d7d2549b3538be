/** Signals that whoever started this process has it ignore, as nohup does with SIGHUP: a handler would undo that. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";

/** False where the system does not tell. */
export function isIgnored(signal: NodeJS.Signals): boolean {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(statusOfProcess())?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

function statusOfProcess(): string {
  try {
    return readFileSync("/proc/self/status", "latin1");
  } catch {
    return "";
  }
}
