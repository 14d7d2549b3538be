/**
 * The rows that the entries of a log become, each column told once. A layout gives the order in which the reading side writes a
 * row and the storing side binds it. The columns of inserts, the references between tables and the types of rows follow from it
 * too.
 */

/**
 * Kind of a column's content, and what the reading side writes there:
 * - `number`, `flag` (0 or 1): the value itself.
 * - `text`: where a text of the batch is, which is not worth a number of its own.
 * - `entry`: the line within the block.
 * - `server`: nothing; the storing side knows it.
 * - the others: the number that the reading side has given to a string, an address, a message, a path or a problem.
 */
export type ColumnKind =
  | "number"
  | "flag"
  | "text"
  | "entry"
  | "server"
  | "message"
  | "string"
  | "address"
  | "path"
  | "problem";

/** Columns in their order; a `?` says that the column may be null. */
export type Layout = Readonly<Record<string, ColumnKind | `${ColumnKind}?`>>;

type ValueOf<Kind> = Kind extends `${infer Required extends ColumnKind}?`
  ? ValueOf<Required> | null
  : Kind extends "text"
    ? string
    : Kind extends "flag"
      ? 0 | 1
      : number;

/** A row of the table, as Kysely sees it. */
export type RowOf<Columns extends Layout> = { -readonly [Column in keyof Columns]: ValueOf<Columns[Column]> };

/** Rows of `stored_entries`. */
export const ENTRY = {
  id: "entry",
  server_id: "server",
  at: "number?",
  event: "number",
  message_id: "message?",
  seen_in: "number",
  details_id: "string?",
} as const satisfies Layout;

/** Rows of `address_events`. */
export const ADDRESS_EVENT = {
  entry_id: "entry",
  recipient_id: "address",
  final_id: "address?",
  outcome: "number",
  is_attempt: "flag",
  path_id: "path?",
  problem_id: "problem?",
  confirmation: "text?",
  queue_ms: "number?",
  duration_ms: "number?",
} as const satisfies Layout;

/** Rows of `stored_rejections`. */
export const REJECTION = {
  entry_id: "entry",
  phase: "number",
  is_permanent: "flag",
  host_id: "string?",
  helo_id: "string?",
  ip_id: "string?",
  sender_id: "address?",
  recipient_id: "address?",
  auth_id: "string?",
  category_id: "string",
  reason_id: "string?",
  smtp_code: "number?",
} as const satisfies Layout;

/** Rows of `stored_clients`. */
export const CLIENT = {
  entry_id: "entry",
  host_id: "string?",
  helo_id: "string?",
  ip_id: "string?",
  sender_id: "address?",
  recipient_id: "address?",
  auth_id: "string?",
  problem_id: "problem?",
} as const satisfies Layout;

/** The columns of `stored_messages` that the arrival line states. */
export const ARRIVAL = {
  arrival_at: "number?",
  sender_id: "address?",
  size: "number?",
  subject: "text?",
  header_message_id: "text?",
  host_id: "string?",
  helo_id: "string?",
  ip_id: "string?",
  port: "number?",
  protocol_id: "string?",
  auth_id: "string?",
  ident_id: "string?",
  tls_id: "string?",
  parent_exim_id: "text?",
  fake_reject: "flag",
} as const satisfies Layout;

/** The columns of `stored_messages` that follow from all lines of the message. */
export const MESSAGE_STATE = {
  status: "number",
  first_at: "number",
  last_at: "number",
  queue_ms: "number?",
  completed_at: "number?",
} as const satisfies Layout;

/** Rows of `stored_milestones` but for their key: what happens to few messages. */
export const MILESTONES = {
  frozen_at: "number?",
  thawed_at: "number?",
  removed_at: "number?",
  cancelled_at: "number?",
  rejected_at: "number?",
  discarded_at: "number?",
  not_accepted_at: "number?",
  queued_at: "number?",
  ignored_at: "number?",
} as const satisfies Layout;

/** Rows of `delivery_paths` but for their id. */
export const DELIVERY_PATH = {
  router_id: "string?",
  transport_id: "string?",
  host_id: "string?",
  ip_id: "string?",
  port: "number?",
  tls_id: "string?",
} as const satisfies Layout;

/** Rows of `delivery_problems` but for their id. */
export const DELIVERY_PROBLEM = {
  is_timeout: "flag",
  smtp_code: "number?",
  enhanced_id: "string?",
  phase_id: "string?",
  error_id: "string?",
  category_id: "string",
} as const satisfies Layout;

/** The names of the columns, in their order. */
export function columnsOf<Columns extends Layout>(layout: Columns): readonly (keyof Columns & string)[] {
  return Object.keys(layout);
}

/** The place of each column within a row. */
export function offsetsOf<Columns extends Layout>(layout: Columns): { readonly [Column in keyof Columns]: number } {
  const offsets = Object.fromEntries(Object.keys(layout).map((column, offset) => [column, offset]));
  return offsets as { readonly [Column in keyof Columns]: number };
}

/** Kinds of the columns in their order, without the mark of null. */
export function kindsOf(layout: Layout): readonly ColumnKind[] {
  return Object.values(layout).map((kind) => kind.replace("?", "") as ColumnKind);
}

const TARGETS = {
  entry: "stored_entries",
  server: "stored_servers",
  message: "stored_messages",
  string: "strings",
  address: "addresses",
  path: "delivery_paths",
  problem: "delivery_problems",
} as const satisfies Partial<Record<ColumnKind, string>>;

type Target = (typeof TARGETS)[keyof typeof TARGETS];

/** The columns that hold the id of a row of another table, each with that table. */
export function referencesOf(layout: Layout): readonly (readonly [column: string, target: Target])[] {
  const kinds = kindsOf(layout);
  return columnsOf(layout).flatMap((column, offset) => {
    const target = targetOf(kinds[offset]);
    return target === undefined || column === "id" ? [] : [[column, target] as const];
  });
}

function targetOf(kind: ColumnKind | undefined): Target | undefined {
  return kind === undefined || !(kind in TARGETS) ? undefined : TARGETS[kind as keyof typeof TARGETS];
}
