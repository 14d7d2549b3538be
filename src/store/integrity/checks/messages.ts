import type { IntegrityCheck } from "./check.ts";

export const MESSAGES: IntegrityCheck = {
  name: "messages",
  question: "Does each message have entries, and do its times agree with them?",
  readsAllText: false,
  *run({ database }) {
    const wrong = database.prepare<[], { exim_id: string; what: string }>(
      `SELECT m.exim_id,
         CASE
           WHEN e.message_id IS NULL THEN 'has no entry'
           WHEN m.first_at <> e.first_at OR m.last_at <> e.last_at THEN 'is stored with other times than its entries have'
           ELSE 'arrived at another time than its entries say'
         END AS what
       FROM stored_messages m
       LEFT JOIN (
         SELECT n.message_id, min(n.at) AS first_at, max(n.at) AS last_at, min(n.at) FILTER (WHERE k.name = 'arrival') AS arrival_at
         FROM stored_entries n JOIN codes k ON k.family = 'event' AND k.code = n.event
         WHERE n.message_id IS NOT NULL GROUP BY n.message_id
       ) e ON e.message_id = m.id
       WHERE e.message_id IS NULL OR m.first_at <> e.first_at OR m.last_at <> e.last_at OR m.arrival_at IS NOT e.arrival_at`,
    );
    for (const { exim_id, what } of wrong.iterate()) yield `Message ${exim_id} ${what}.`;
    const strangers = database.prepare<[], { id: number }>(
      `SELECT e.id FROM stored_entries e JOIN stored_messages m ON m.id = e.message_id WHERE m.server_id <> e.server_id`,
    );
    for (const { id } of strangers.iterate()) yield `Entry ${id} is of another server than its message.`;
  },
};
