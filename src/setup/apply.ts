/** Does what a plan of setup says, in its order; what fails ends it, and the next run continues from there. */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { PilotError } from "../errors.ts";
import { writePrivateFile } from "../store/files/private-file.ts";
import { isSystemError, translateSystemError } from "../store/files/system-errors.ts";
import { type Account, findAccount } from "./accounts.ts";
import { type Action, SERVICE_USER, type Step } from "./plan.ts";

export interface ToolResult {
  /** Undefined if it could not be started, or was killed. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** True if it was killed because it did not answer in time. */
  readonly isTooSlow: boolean;
}

export type RunTool = (program: string, args: readonly string[]) => Promise<ToolResult>;

export interface ApplyOptions {
  readonly root: string;
  readonly runTool: RunTool;
  /** Makes an empty database, unless there is one. */
  readonly createDatabase: (path: string) => void;
}

/** Errors: `io` and others of the system, `usage` when a file is a directory; those of the database. */
export async function applySteps(steps: readonly Step[], options: ApplyOptions): Promise<void> {
  for (const { actions } of steps) for (const action of actions) await apply(action, options);
}

async function apply(action: Action, options: ApplyOptions): Promise<void> {
  try {
    if (action.kind === "run") await run(action, options);
    else change(action, options);
  } catch (error) {
    throw isSystemError(error) ? translateSystemError(error) : error;
  }
}

async function run({ program, args }: Extract<Action, { kind: "run" }>, { runTool }: ApplyOptions): Promise<void> {
  const { status, stderr, isTooSlow } = await runTool(program, args);
  if (status === 0) return;
  const command = [program, ...args].join(" ");
  const said = stderr.trim().split("\n").at(-1) ?? "";
  const why = isTooSlow
    ? "did not end in time"
    : status === undefined
      ? "could not be started"
      : `ended with ${status}`;
  throw new PilotError("io", `\`${command}\` ${why}${said === "" ? "" : `: ${said}`}.`, {
    hint: "Run that by hand, then `exim-pilot setup` again: it continues from there.",
  });
}

const READABLE = 0o644;

function change(action: Exclude<Action, { kind: "run" }>, { root, createDatabase }: ApplyOptions): void {
  switch (action.kind) {
    case "file":
    case "configuration": {
      const path = action.kind === "file" ? join(root, action.path) : action.path;
      mkdirSync(dirname(path), { recursive: true });
      if (action.keepsOld) renameSync(path, `${path}.old`);
      writePrivateFile(path, action.text, { replaces: true });
      chmodSync(path, READABLE);
      return;
    }
    case "remove":
      rmSync(join(root, action.path), { force: true });
      return;
    case "directory": {
      const path = join(root, action.path);
      mkdirSync(path, { recursive: true });
      give(path, action.mode, serviceAccount(root));
      return;
    }
    case "share": {
      const path = join(root, action.database);
      const { userId } = serviceAccount(root);
      const owner = { userId, groupId: action.groupId };
      createDatabase(path);
      give(dirname(path), 0o2750, owner);
      for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) give(file, 0o640, owner);
    }
  }
}

function serviceAccount(root: string): Account {
  const account = findAccount(SERVICE_USER, root);
  if (account !== undefined) return account;
  throw new PilotError("io", `The user ${SERVICE_USER} was made and is not in /etc/passwd.`, {
    hint: "Make it by hand as a local user; then run this again.",
  });
}

/** NOTE: through no link: the directory belongs to the user of the services, who must not choose what root gives away. */
function give(path: string, mode: number, { userId, groupId }: Account): void {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const status = fstatSync(file);
    if (!status.isDirectory() && (!status.isFile() || status.nlink > 1)) {
      throw new PilotError("io", `"${path}" is no file of its own.`, {
        hint: "Find out what it is, and move it away.",
      });
    }
    fchownSync(file, userId, groupId);
    fchmodSync(file, mode);
  } finally {
    closeSync(file);
  }
}
