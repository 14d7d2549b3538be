/** Mail that the program itself has sent: nothing that is counted of others may count it, or an alarm would cause the next one. */

const UUID_LENGTH = 36;

/**
 * Condition of SQL that holds for a message of ours, and for a bounce or a warning about one. Its Message-ID begins with the id of a notification,
 * which nobody can guess; a name or a domain alone could be forged by whoever wants to stay unseen. `message`: alias of `stored_messages`.
 */
export function isOwnMail(message: string): string {
  const isOurs = (alias: string): string =>
    `substr(${alias}.header_message_id, 1, ${UUID_LENGTH}) IN (SELECT id FROM stored_outbox)`;
  return `(coalesce(${isOurs(message)}, 0) OR EXISTS (SELECT 1 FROM stored_messages own_parent
    WHERE own_parent.exim_id = ${message}.parent_exim_id AND own_parent.server_id = ${message}.server_id AND ${isOurs("own_parent")}))`;
}
