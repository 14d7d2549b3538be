/** How the queue can be printed: for people, as `mailq` does, and for programs. */
export const QUEUE_FORMATS = ["page", "mailq", "ids", "brief", "summary"] as const;

export type QueueFormat = (typeof QUEUE_FORMATS)[number];
