/** Facts about a message from snapshots of the queue: how long it was seen there, and when Exim tries it again. */
import { findNextTries, toQueueRuns } from "../spool/next-try.ts";
import type { IncidentReader } from "../store/incidents/incident-reader.ts";
import type { LookReader } from "../store/read/look-reader.ts";
import type { QueueReader } from "../store/read/queue-reader.ts";
import { epochMs, momentAt, momentMs, toIso } from "../units.ts";
import type { Trace, TracedMessage, TracedNextTry, TracedRecipient, TracedStay } from "./result.ts";

export interface QueueSources {
  readonly looks: LookReader;
  readonly queue: QueueReader;
  readonly incidents: IncidentReader;
}

export function findQueueFacts(
  { looks, queue, incidents }: QueueSources,
  message: TracedMessage,
  recipients: readonly TracedRecipient[],
): Pick<Trace, "stays" | "nextTries" | "incidents"> {
  const { id, server } = message;
  const stays = looks.staysOf(id, server).map(
    ({ firstSeenAt, lastSeenAt, goneAt }): TracedStay => ({
      firstSeenAt: toIso(firstSeenAt),
      lastSeenAt: toIso(lastSeenAt),
      goneAt: goneAt === null ? null : toIso(goneAt),
    }),
  );
  const partOf = incidents.ofMessage(server, id).map(({ id: number, severity, status, title }) => ({
    id: number,
    severity,
    status,
    title,
  }));
  const isThere = stays.at(-1)?.goneAt === null && message.completedAt === null && !message.isFrozen;
  return { stays, incidents: partOf, nextTries: isThere ? findTries({ looks, queue }, message, recipients) : [] };
}

/** From the retry records of the last look, of recipients that the log does not tell anything newer of. */
function findTries(
  { looks, queue }: Pick<QueueSources, "looks" | "queue">,
  { id, server, sender }: TracedMessage,
  recipients: readonly TracedRecipient[],
): readonly TracedNextTry[] {
  const kept = looks.hints(server);
  if (kept === undefined) return [];
  const { seenAt, hints } = kept;
  const waiting = recipients.filter(
    ({ status, lastTriedAt }) =>
      (status === "pending" || status === "deferred") && (lastTriedAt === null || Date.parse(lastTriedAt) <= seenAt),
  );
  if (waiting.length === 0) return [];
  const hosts = queue.hostsOf(id);
  const starts = queue.queueRunStarts(momentAt(epochMs(seenAt + 1), 0), server).map(momentMs);
  const answers = findNextTries({
    subjects: waiting.map(({ address }) => ({
      name: address,
      sender: sender === "<>" ? "" : (sender ?? undefined),
      hosts,
    })),
    hints,
    runs: toQueueRuns(starts, seenAt),
    rules: undefined,
    now: seenAt,
  });
  return answers.flatMap(({ subject, tries }) =>
    tries.map(({ key, about, notBefore, nextAbout, isExpired }) => ({
      recipient: subject,
      key,
      about,
      notBefore,
      nextAbout,
      isExpired,
      seenAt: toIso(seenAt),
    })),
  );
}
