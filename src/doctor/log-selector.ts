/** Lists what a server could log and does not, judging by its last messages. Source: Exim specification, "Log files", log_selector. */
import type { LogSample } from "../store/read/health-reader.ts";

export interface MissingSelector {
  /** Name in `log_selector`. */
  readonly item: string;
  /** The facts it would add. */
  readonly gives: string;
}

/** Fewer messages say nothing. */
const FEWEST = 20;

interface Selector extends MissingSelector {
  readonly of: keyof LogSample;
  readonly seen: keyof LogSample;
}

const SELECTORS: readonly Selector[] = [
  {
    item: "received_recipients",
    gives: "the recipients when a message arrives",
    of: "arrivals",
    seen: "withRecipients",
  },
  { item: "subject", gives: "subjects", of: "arrivals", seen: "withSubject" },
  {
    item: "incoming_port",
    gives: "the ports of clients",
    of: "fromHosts",
    seen: "withPort",
  },
  {
    item: "millisec",
    gives: "milliseconds",
    of: "arrivals",
    seen: "withMilliseconds",
  },
  { item: "queue_time_overall", gives: "how long messages were on the queue", of: "completed", seen: "withQueueTime" },
  { item: "deliver_time", gives: "how long deliveries took", of: "deliveries", seen: "withDeliveryTime" },
];

export function missingSelectors(sample: LogSample): readonly MissingSelector[] {
  return SELECTORS.filter(({ of, seen }) => sample[of] >= FEWEST && sample[seen] === 0).map(({ item, gives }) => ({
    item,
    gives,
  }));
}
