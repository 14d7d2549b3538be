/** How messages, recipients and rejections add up. */
import type { Count, Overview, StatsReader } from "../store/stats-reader.ts";

export interface Stats {
  readonly overview: Overview;
  readonly messages: readonly Count[];
  readonly recipients: readonly Count[];
  readonly rejections: readonly Count[];
}

export async function computeStats(reader: StatsReader): Promise<Stats> {
  const [overview, messages, recipients, rejections] = await Promise.all([
    reader.overview(),
    reader.messagesByStatus(),
    reader.recipientsByStatus(),
    reader.rejectionsByCategory(),
  ]);
  return { overview, messages, recipients, rejections };
}
