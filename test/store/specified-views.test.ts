/** Views with the names and columns that the program was ordered with: others rely on them, so none may be renamed or go. */
import { expect, test } from "vitest";
import { describeViews } from "../../src/store/public-views.ts";
import { NOW, SCHEMA_DIRECTORY } from "../support/database.ts";

/**
 * Columns of each view by the names of the order. Left out on purpose: the hashes of passwords, which no view has, and sessions, which a
 * command line does not have.
 */
const ORDERED: Readonly<Record<string, string>> = {
  messages: "id timestamp sender size status created_at updated_at",
  recipients: "id message_id recipient status delivered_at created_at updated_at",
  delivery_attempts: "id message_id recipient timestamp host ip_address status smtp_code error_message created_at",
  log_entries:
    "id timestamp message_id log_type event host sender recipients size status error_code error_text raw_line created_at severity",
  log_metadata: "id log_entry_id metadata_type metadata_value app_version",
  servers: "id name environment version owner_user_id created_at",
  queue_snapshots: "id timestamp total_messages deferred_messages frozen_messages oldest_message_age created_at",
  message_content: "message_id headers text_content html_content attachments content_safe size_bytes preview_limited",
  message_attachments: "message_id filename content_type size is_safe preview",
  message_notes: "id message_id user_id note is_public created_at updated_at",
  message_tags: "id message_id tag color user_id created_at",
  users: "id username email full_name role active last_login created_at updated_at",
  correlated_incidents:
    "id type title description severity message_ids start_time end_time status created_at updated_at",
  notifications:
    "id chat_id message_text timestamp status retry_count telegram_message_id event_data tier_used error_message created_at updated_at",
  audit_log:
    "id timestamp request_id user action parameters result duration_seconds ip_address user_agent resource_path",
};

const VIEWS = new Map(
  describeViews({ schemaDirectory: SCHEMA_DIRECTORY, program: "test", now: () => NOW }).map(({ name, columns }) => [
    name,
    columns,
  ]),
);

test.each(Object.entries(ORDERED))("the view %s has the columns that it was ordered with", (view, columns) => {
  const has = VIEWS.get(view) ?? [];
  expect(columns.split(" ").filter((column) => !has.includes(column))).toEqual([]);
});

test("no view has a column for passwords", () => {
  const columns = [...VIEWS].flatMap(([view, names]) => names.map((name) => `${view}.${name}`));
  expect(columns.length).toBeGreaterThan(100);
  expect(columns.filter((name) => /password|hash$|secret|token/.test(name))).toEqual(["users.has_password"]);
});
