/** Facts about the channels of the configuration, for `doctor`. */
import type { ChannelHealth } from "../../doctor/doctor.ts";
import { PilotError } from "../../errors.ts";
import { type DatabaseFlags, usingReader } from "../context.ts";
import type { ConfigurationValues } from "../flags/configuration.ts";
import { isLoopback, readNotifySettings } from "../flags/notify-settings.ts";
import type { Io } from "../io.ts";
import { namesOfServers, openChannel } from "./channels.ts";

/** `flags`: undefined where the database cannot be read. Errors: none that a configuration can cause. */
export async function healthOfChannels(
  configuration: ConfigurationValues,
  flags: DatabaseFlags | undefined,
  io: Io,
): Promise<readonly ChannelHealth[]> {
  const unknown = { refusal: undefined, isWatchedServer: false };
  try {
    const { channels } = readNotifySettings(configuration);
    const states = flags === undefined ? [] : await usingReader(flags, io, async ({ outbox }) => outbox.channels());
    const own = flags === undefined ? new Set<string>() : await namesOfServers(flags, io);
    return await Promise.all(
      [...channels.values()].map(async (settings): Promise<ChannelHealth> => {
        const { name } = settings;
        const state = states.find(({ channel }) => channel === name);
        const refusal = state?.is_unauthorized === 1 ? (state.last_error ?? "") : undefined;
        const isWatchedServer =
          settings.type === "smtp" && (isLoopback(settings.host) || own.has(settings.host.toLowerCase()));
        try {
          await openChannel(settings, own, io);
          return { name, problem: undefined, hint: undefined, refusal, isWatchedServer };
        } catch (error) {
          return { name, ...unknown, ...problemOf(error) };
        }
      }),
    );
  } catch (error) {
    return [{ name: "configuration", ...unknown, ...problemOf(error) }];
  }
}

function problemOf(error: unknown): Pick<ChannelHealth, "problem" | "hint"> {
  if (!(error instanceof PilotError) || error.code === "interrupted") throw error;
  return { problem: error.message, hint: error.hint };
}
