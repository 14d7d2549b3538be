/** Users and groups as /etc/passwd and /etc/group have them: those that services run as are there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Account {
  readonly userId: number;
  readonly groupId: number;
}

export interface Group {
  readonly name: string;
  readonly id: number;
  readonly members: readonly string[];
}

export function findAccount(name: string, root: string): Account | undefined {
  const fields = linesOf(join(root, "etc/passwd")).find(([first]) => first === name);
  return fields === undefined ? undefined : { userId: Number(fields[2]), groupId: Number(fields[3]) };
}

export function findGroups(root: string): readonly Group[] {
  return linesOf(join(root, "etc/group")).map(([name = "", , id, members = ""]) => ({
    name,
    id: Number(id),
    members: members.split(",").filter((member) => member !== ""),
  }));
}

/** Empty where there is no such file. Errors: those of the system. */
function linesOf(path: string): string[][] {
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(":"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
