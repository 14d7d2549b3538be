/** Shares of encrypted mail, and ways of submission. */
import type { OriginCount, TlsCount } from "../store/stats/counts.ts";
import { compareText } from "../text.ts";
import { sum } from "./totals.ts";

export interface TlsShare {
  /** `TLS1.3`; null: none that the log tells of. */
  readonly version: string | null;
  /** `TLS_AES_256_GCM_SHA384:256`. */
  readonly cipher: string | null;
  readonly count: number;
  readonly bytes: number;
}

export interface TlsShares {
  /** Messages that came over the network. */
  readonly incoming: readonly TlsShare[];
  /** Recipients delivered over the network. */
  readonly outgoing: readonly TlsShare[];
}

export interface OriginShare {
  /** `submitted`: after a login. `generated`: by Exim itself, a bounce or a warning. */
  readonly origin: "submitted" | "inbound" | "local" | "generated";
  readonly authenticator: string | null;
  readonly protocol: string | null;
  readonly messages: number;
  readonly bytes: number;
}

export function shareTls(counts: readonly TlsCount[]): readonly TlsShare[] {
  const shares = counts.map(({ tls, count, bytes }) => {
    const colon = tls?.indexOf(":") ?? -1;
    return colon === -1
      ? { version: tls, cipher: null, count, bytes }
      : { version: tls?.slice(0, colon) ?? null, cipher: tls?.slice(colon + 1) ?? null, count, bytes };
  });
  return shares.sort(
    (one, other) =>
      other.count - one.count ||
      compareText(one.cipher ?? "", other.cipher ?? "") ||
      compareText(one.version ?? "", other.version ?? ""),
  );
}

export function shareOrigins(counts: readonly OriginCount[]): readonly OriginShare[] {
  const shares = new Map<string, OriginShare>();
  for (const { auth, protocol, isLocal, isGenerated, messages, bytes } of counts) {
    const authenticator = auth?.split(":", 1)[0] ?? null;
    const origin = originOf(isLocal, isGenerated, authenticator);
    const key = [origin, authenticator, protocol].join("\n");
    const known = shares.get(key) ?? { origin, authenticator, protocol, messages: 0, bytes: 0 };
    shares.set(key, { ...known, messages: known.messages + messages, bytes: known.bytes + bytes });
  }
  return [...shares.values()].sort(
    (one, other) =>
      other.messages - one.messages ||
      compareText(one.origin, other.origin) ||
      compareText(one.authenticator ?? "", other.authenticator ?? "") ||
      compareText(one.protocol ?? "", other.protocol ?? ""),
  );
}

function originOf(isLocal: boolean, isGenerated: boolean, authenticator: string | null): OriginShare["origin"] {
  if (isLocal) return isGenerated ? "generated" : "local";
  return authenticator === null ? "inbound" : "submitted";
}

/** The part of a whole that is encrypted; null when there is nothing, or nothing that tells. */
export function encryptedShare(shares: readonly TlsShare[]): number | null {
  const encrypted = sum(
    shares.filter(({ version }) => version !== null),
    (share) => share.count,
  );
  return encrypted === 0 ? null : encrypted / sum(shares, (share) => share.count);
}
