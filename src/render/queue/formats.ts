/** Formats of the queue: for people, as `mailq` prints it, and for programs. */
export const QUEUE_FORMATS = ["page", "mailq", "ids", "brief", "summary"] as const;

export type QueueFormat = (typeof QUEUE_FORMATS)[number];
