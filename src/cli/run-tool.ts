/** Asks a program of the system, without a shell and not without end. */
import { execFile } from "node:child_process";
import type { RunTool, ToolResult } from "../setup/apply.ts";
import { SECOND_MS } from "../units.ts";
import type { Io } from "./io.ts";

const MOST_OUTPUT = 65_536;

/** Directories of the administrator's tools, which `su` and cron may leave out of the path. */
export const TOOL_PATH = ["/usr/sbin", "/sbin"];

/** Starts programs from the path of the environment, and {@link TOOL_PATH}, ended after `seconds` or when `io.signal` aborts. Never fails: the result says. */
export function toolRunner({ env, signal }: Io, seconds: number): RunTool {
  const path = [env["PATH"] ?? "/usr/bin:/bin", ...TOOL_PATH].join(":");
  return (program, args) =>
    new Promise<ToolResult>((resolve) => {
      const options = {
        env: { ...env, PATH: path },
        signal,
        timeout: seconds * SECOND_MS,
        maxBuffer: MOST_OUTPUT,
        killSignal: "SIGKILL",
      } as const;
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        resolve({
          status: child.exitCode ?? (error === null ? 0 : undefined),
          stdout,
          stderr,
          isTooSlow: error?.killed === true,
        });
      });
      // NOTE: a program that asks a question gets no answer.
      child.stdin?.on("error", () => {});
      child.stdin?.end();
    });
}
