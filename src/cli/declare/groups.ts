/** The commands in the order of the help. */
import { ABOUT } from "./about.ts";
import type { CommandGroup } from "./command.ts";
import { INCIDENTS } from "./incidents.ts";
import { LOGS } from "./logs.ts";
import { PEOPLE } from "./people.ts";
import { QUESTIONS } from "./questions.ts";
import { QUEUE } from "./queue.ts";
import { UPKEEP } from "./upkeep.ts";

export const GROUPS: readonly CommandGroup[] = [LOGS, QUESTIONS, QUEUE, INCIDENTS, PEOPLE, UPKEEP, ABOUT];
