/** Which columns hold ids of texts. A text that none of them names is of no use; a test compares the list with the schema. */

export type TextTableName = "strings" | "addresses";

/** Tables, and their columns by the table they refer to. */
export const TEXT_REFERENCES: readonly {
  readonly table: string;
  readonly strings: readonly string[];
  readonly addresses: readonly string[];
}[] = [
  {
    table: "stored_messages",
    strings: ["host_id", "helo_id", "ip_id", "protocol_id", "auth_id", "ident_id", "tls_id"],
    addresses: ["sender_id"],
  },
  { table: "stored_recipients", strings: ["error_id"], addresses: ["address_id"] },
  { table: "stored_entries", strings: ["details_id"], addresses: [] },
  { table: "address_events", strings: [], addresses: ["recipient_id", "final_id"] },
  // These two stay, whatever goes: they are few.
  { table: "delivery_paths", strings: ["router_id", "transport_id", "host_id", "ip_id", "tls_id"], addresses: [] },
  { table: "delivery_problems", strings: ["enhanced_id", "phase_id", "error_id"], addresses: [] },
  {
    table: "stored_rejections",
    strings: ["host_id", "helo_id", "ip_id", "auth_id", "category_id", "reason_id"],
    addresses: ["sender_id", "recipient_id"],
  },
  {
    table: "stored_clients",
    strings: ["host_id", "helo_id", "ip_id", "auth_id"],
    addresses: ["sender_id", "recipient_id"],
  },
  { table: "stored_envelopes", strings: [], addresses: ["address_id"] },
  { table: "rolled_hosts", strings: ["host_id"], addresses: [] },
];
