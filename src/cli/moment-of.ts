import { momentOfWall, wallAt } from "../ingest/clock.ts";
import { DAY_MS, type EpochMs, epochMs } from "../units.ts";
import type { When } from "./when.ts";

/** The moment a user means, by the clock of a server in `timeZone`; of a time that its clock showed twice the first. */
export function momentOf(when: When, now: EpochMs, timeZone: string): EpochMs {
  switch (when.kind) {
    case "ago":
      return epochMs(now - when.ms);
    case "day": {
      const today = Math.floor(wallAt(timeZone, now) / DAY_MS);
      return momentOfWall(timeZone, (today - when.daysAgo) * DAY_MS);
    }
    case "wall":
      return momentOfWall(timeZone, when.wallMs);
    case "moment":
      return when.at;
  }
}
