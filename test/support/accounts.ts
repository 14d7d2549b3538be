/**
 * Accounts of a mail server, made up from a seed: 500 of them over twelve days, of which three are stolen and some others only look so.
 * The same happenings are given as figures, for the rule alone, and as a log, for all of the program.
 */
import type { AccountHour } from "../../src/message/account-risk.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/units.ts";
import { messageIdAt, Random } from "./generate.ts";

export interface SimulatedRecipient {
  readonly address: string;
  /** Epoch ms of its bounce; undefined when it was delivered. */
  readonly bouncedMs: number | undefined;
}

/** Event of a client that names an account, as a server logs it. */
export type AccountEvent = { readonly ms: number; readonly account: string; readonly ip: string } & (
  | { readonly kind: "failure" }
  | { readonly kind: "refused"; readonly recipient: string }
  | { readonly kind: "message"; readonly recipients: readonly SimulatedRecipient[] }
);

export interface Theft {
  readonly account: string;
  /** Epoch ms of the thief's first login. */
  readonly ms: number;
  readonly manner: "guessed" | "phished" | "botnet";
  readonly isSubtle: boolean;
}

export interface Simulation {
  /** By time. */
  readonly events: readonly AccountEvent[];
  readonly thefts: readonly Theft[];
  /** Accounts that look suspicious and are not, each with what it does. */
  readonly decoys: Readonly<Record<string, string>>;
}

/** A Monday. */
export const SIMULATION_START_MS = Date.UTC(2026, 2, 2);
export const SIMULATION_DAYS = 12;
export const SIMULATED_SERVER = "mx1";

const ACCOUNTS = 500;
/** Share of the mail of a day that is sent in each hour. */
const HOURS = [0, 0, 0, 0, 0, 0, 1, 4, 9, 12, 11, 10, 6, 8, 10, 9, 8, 5, 3, 2, 1, 1, 0, 0];

/** `share` is that of the usual mail, 1 for all of it. */
export function simulateAccounts(seed: number, share = 1): Simulation {
  return new Simulator(seed, share).run();
}

class Simulator {
  readonly #random: Random;
  readonly #share: number;
  readonly #events: AccountEvent[] = [];
  readonly #decoys: Record<string, string> = {};
  readonly #domains: readonly string[];

  constructor(seed: number, share: number) {
    this.#share = share;
    this.#random = new Random(seed);
    this.#domains = Array.from({ length: 300 }, (_, index) => `d${index}.example`);
  }

  run(): Simulation {
    const names = Array.from({ length: ACCOUNTS }, (_, index) => `user${index}`);
    for (const [index, name] of names.entries()) this.#addUser(name, index);
    this.#addAttacks(names);
    this.#addDecoys(names);
    const thefts = (["guessed", "phished", "botnet"] as const).map((manner, index) =>
      this.#addTheft(`user${100 + index * 100 + this.#random.upTo(50)}`, manner),
    );
    const events = this.#events.sort(
      (one, other) => one.ms - other.ms || (one.account < other.account ? -1 : Number(one.account > other.account)),
    );
    return { events, thefts, decoys: this.#decoys };
  }

  /** A day's mail of somebody who works there, with mistyped passwords now and then. */
  #addUser(account: string, index: number): void {
    const random = this.#random;
    const daily = (1 + random.exponential(5)) * this.#share;
    const circle = Array.from({ length: 12 }, () => random.pick(this.#domains));
    const clientsOf = this.#clientsOf(index);
    for (let day = 0; day < SIMULATION_DAYS; day++) {
      const weekday = day % 7;
      const busy = weekday >= 5 ? 0.15 : weekday === 0 ? 1.6 : 1;
      const count = Math.round(random.exponential(daily * busy));
      for (let message = 0; message < count; message++) {
        const ms = this.#timeOfDay(day, weekday === 0);
        const recipients = random.isOneOf(15) ? 3 + random.upTo(12) : 1 + random.upTo(2);
        this.#send(account, random.pick(clientsOf(day)), ms, recipients, 0.02, circle);
      }
      if (random.isOneOf(30))
        this.#fail(account, random.pick(clientsOf(day)), this.#timeOfDay(day, false), 1 + random.upTo(4));
    }
  }

  /** An office shares an address, a line at home changes it, a phone changes networks. */
  #clientsOf(index: number): (day: number) => readonly string[] {
    const office = `198.51.${index % 20}.10`;
    if (index % 5 < 3) return () => [office];
    const home = this.#random.upTo(200);
    const homeOf = (day: number): string => `192.${10 + (index % 80)}.${home}.${1 + ((day * 37 + index) % 250)}`;
    if (index % 5 === 3) return (day) => [homeOf(day)];
    return (day) => [homeOf(day), `10.${(day * 7 + index) % 30}.${(day * 13 + index * 3) % 200}.${1 + (index % 250)}`];
  }

  #timeOfDay(day: number, isEarly: boolean): number {
    const random = this.#random;
    let share = random.upTo(100);
    let hour = 0;
    while (share >= (HOURS[hour] ?? 0)) share -= HOURS[hour++] ?? 0;
    const shown = isEarly && random.isOneOf(2) ? 8 + random.upTo(2) : hour;
    return SIMULATION_START_MS + day * DAY_MS + shown * HOUR_MS + random.upTo(HOUR_MS);
  }

  #send(
    account: string,
    ip: string,
    ms: number,
    count: number,
    bounced: number,
    domains: readonly string[] = this.#domains,
  ): void {
    const random = this.#random;
    const recipients = Array.from({ length: count }, () => ({
      address: `r${random.upTo(1e6)}@${random.pick(domains)}`,
      bouncedMs: random.next() < bounced ? ms + (1 + random.upTo(5)) * SECOND_MS : undefined,
    }));
    this.#events.push({ kind: "message", ms, account, ip, recipients });
  }

  #fail(account: string, ip: string, ms: number, count: number, gapMs = 5 * SECOND_MS): number {
    let at = ms;
    for (let tried = 0; tried < count; tried++) {
      this.#events.push({ kind: "failure", ms: at, account, ip });
      at += 1 + this.#random.upTo(2 * gapMs);
    }
    return at;
  }

  #strangeIp(): string {
    const random = this.#random;
    return `${100 + random.upTo(80)}.${random.upTo(250)}.${random.upTo(250)}.${1 + random.upTo(250)}`;
  }

  /** Word lists and slow guesses that never succeed: ten clients a day, and two accounts that are tried from everywhere. */
  #addAttacks(names: readonly string[]): void {
    const random = this.#random;
    for (let day = 0; day < SIMULATION_DAYS; day++) {
      for (let client = 0; client < 10; client++) {
        const ip = this.#strangeIp();
        let ms = SIMULATION_START_MS + day * DAY_MS + random.upTo(DAY_MS / 2);
        for (let tried = 5 + random.upTo(40); tried > 0; tried--) {
          const name = random.isOneOf(3) ? random.pick(names) : random.pick(["admin", "test", "info", "root", "sales"]);
          ms = this.#fail(name, ip, ms, 1 + random.upTo(3));
        }
      }
      for (const besieged of ["user0", "user4"])
        for (let tried = 0; tried < 60; tried++)
          this.#fail(besieged, this.#strangeIp(), SIMULATION_START_MS + day * DAY_MS + random.upTo(DAY_MS), 1);
    }
  }

  #addDecoys(names: readonly string[]): void {
    const random = this.#random;
    const at = (day: number, hour: number): number =>
      SIMULATION_START_MS + day * DAY_MS + hour * HOUR_MS + random.upTo(20 * MINUTE_MS);
    const mail = (account: string, ip: string, ms: number, count: number, bounced: number): void => {
      for (let sent = 0; sent < count; sent++) this.#send(account, ip, ms + sent * SECOND_MS, 1, bounced);
    };
    this.#decoys["news"] = "a newsletter each day";
    for (let day = 0; day < SIMULATION_DAYS; day++) mail("news", "198.51.100.7", at(day, 10), 300, 0.04);
    this.#decoys["weekly"] = "a newsletter each week, once at another hour, with a stale list";
    for (const [day, hour] of [
      [1, 9],
      [8, 15],
    ] as const)
      mail("weekly", "198.51.100.8", at(day, hour), 400 + random.upTo(100), 0.1);
    this.#decoys["moved-news"] = "a newsletter that moves to another host, where the password is wrong at first";
    for (let day = 0; day < SIMULATION_DAYS; day++) {
      const ip = day < 6 ? "198.51.100.9" : "203.0.113.50";
      if (day === 6) this.#fail("moved-news", ip, at(day, 8), 15 + random.upTo(20), MINUTE_MS);
      mail("moved-news", ip, at(day, 11), 150 + random.upTo(30), 0.03);
    }
    this.#decoys["shop"] = "a customer's migration: new address, same volume";
    for (let day = 0; day < SIMULATION_DAYS; day++)
      for (let hour = 7; hour < 22; hour++)
        mail("shop", day < 7 ? "198.51.100.20" : "203.0.113.80", at(day, hour), 2 + random.upTo(9), 0.03);
    this.#decoys["user5"] = "a password changed on five devices of an office";
    this.#fail("user5", "198.51.5.10", at(8, 9), 60 + random.upTo(60), 30 * SECOND_MS);
    mail("user5", "198.51.5.10", at(8, 12), 3, 0);
    this.#decoys["user9"] = "a password changed on a phone in another network";
    this.#fail("user9", "10.250.7.9", at(7, 9), 20 + random.upTo(30), MINUTE_MS);
    mail("user9", "10.250.7.9", at(7, 12), 2, 0);
    this.#decoys["user13"] = "a traveller: a hotel's network, a few mistyped passwords, some more mail";
    this.#fail("user13", "172.20.4.9", at(8, 18), 4);
    mail("user13", "172.20.4.9", at(8, 18.5), 6, 0);
    this.#decoys["user20"] = "one message to a large list, from the office";
    this.#send("user20", "198.51.0.10", at(9, 10), 60 + random.upTo(40), 0.05);
    this.#decoys["user21"] = "a first mailing, from the office";
    mail("user21", "198.51.1.10", at(9, 11), 80 + random.upTo(40), 0.06);
    this.#decoys["newcomer"] = "a new account of the office";
    for (let day = 7; day < SIMULATION_DAYS; day++) mail("newcomer", "198.51.3.10", at(day, 9), 8, 0.02);
    // Monday mornings after a holiday: everybody of an office at once.
    for (const [index, name] of names.entries())
      if (index % 20 === 2 && index % 5 < 3)
        mail(name, `198.51.${index % 20}.10`, at(7, 8.5), 5 + random.upTo(15), 0.02);
  }

  #addTheft(account: string, manner: Theft["manner"]): Theft {
    const random = this.#random;
    const isSubtle = random.isOneOf(2);
    const start =
      SIMULATION_START_MS + (7 + random.upTo(3)) * DAY_MS + random.upTo(20) * HOUR_MS + random.upTo(HOUR_MS);
    const rate = isSubtle ? 20 + random.upTo(15) : 80 + random.upTo(200);
    const bounced = isSubtle ? 0.05 + random.next() * 0.15 : 0.15 + random.next() * 0.25;
    const ips = Array.from({ length: manner === "botnet" ? 6 + random.upTo(20) : isSubtle ? 3 : 1 }, () =>
      this.#strangeIp(),
    );
    const [first = ""] = ips;
    if (manner === "guessed") this.#fail(account, first, start - 3 * HOUR_MS, 40 + random.upTo(80), MINUTE_MS);
    if (manner === "botnet")
      for (let tried = 0; tried < 40 + random.upTo(60); tried++)
        this.#fail(account, this.#strangeIp(), start - random.upTo(20 * HOUR_MS), 1);
    const end = start + (2 + random.upTo(6)) * HOUR_MS;
    let isFirst = true;
    for (let ms = start; ms < end; ms += Math.round(random.exponential(HOUR_MS / rate))) {
      this.#send(account, isFirst ? first : random.pick(ips), ms, random.isOneOf(4) ? 2 + random.upTo(4) : 1, bounced);
      if (random.next() < bounced / 3)
        this.#events.push({ kind: "refused", ms, account, ip: first, recipient: `x${random.upTo(1e6)}@d1.example` });
      isFirst = false;
    }
    return { account, ms: start, manner, isSubtle };
  }
}

/** Figures of the events up to a time, as the store gives them. */
export function toAccountHours(events: readonly AccountEvent[], untilMs: number): AccountHour[] {
  const rows = new Map<string, Writable<AccountHour>>();
  const domains = new Map<string, { readonly names: Set<string>; recipients: number }>();
  for (const event of events) {
    const { ms, account, ip } = event;
    if (ms >= untilMs) continue;
    const hour = Math.floor(ms / HOUR_MS);
    const key = `${account} ${hour} ${ip}`;
    const row = rows.get(key) ?? emptyRow(account, hour, ip);
    rows.set(key, row);
    if (event.kind === "failure") {
      row.failures++;
      row.firstFailureMs ??= ms;
      continue;
    }
    row.firstLoginMs ??= ms;
    row.lastLoginMs = ms;
    if (event.kind === "refused") {
      row.recipients++;
      row.refused++;
      continue;
    }
    row.messages++;
    row.recipients += event.recipients.length;
    row.refused += event.recipients.filter(({ bouncedMs }) => bouncedMs !== undefined && bouncedMs < untilMs).length;
    const counted = domains.get(`${account} ${hour}`) ?? { names: new Set(), recipients: 0 };
    domains.set(`${account} ${hour}`, counted);
    for (const { address } of event.recipients) counted.names.add(address.slice(address.indexOf("@") + 1));
    counted.recipients += event.recipients.length;
  }
  for (const row of rows.values()) {
    const counted = domains.get(`${row.account} ${row.hour}`);
    if (counted !== undefined && counted.recipients >= 8 && row.messages > 0) row.domains = counted.names.size;
  }
  return [...rows.values()];
}

type Writable<Row> = { -readonly [Name in keyof Row]: Row[Name] };

function emptyRow(account: string, hour: number, ip: string): Writable<AccountHour> {
  return {
    server: SIMULATED_SERVER,
    account,
    hour,
    ip,
    network: ip.replace(/\d+$/, "0/24"),
    failures: 0,
    firstFailureMs: null,
    messages: 0,
    recipients: 0,
    refused: 0,
    domains: 0,
    firstLoginMs: null,
    lastLoginMs: null,
  };
}

/** A main log of the events; stamps are in UTC. */
export function toLog(events: readonly AccountEvent[]): string {
  const lines: { readonly ms: number; readonly text: string }[] = [];
  for (const [index, event] of events.entries()) {
    const { ms, account, ip } = event;
    const client = `H=(pc) [${ip}]`;
    if (event.kind === "failure") {
      const text = `login_server authenticator failed for (pc) [${ip}]: 535 Incorrect authentication data (set_id=${account})`;
      lines.push({ ms, text });
      continue;
    }
    const sender = `${account}@example.org`;
    if (event.kind === "refused") {
      const text = `${client} X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no A=plain_server:${account} F=<${sender}> rejected RCPT <${event.recipient}>: Unrouteable address`;
      lines.push({ ms, text });
      continue;
    }
    const id = messageIdAt(ms, 20_000 + index);
    const to = event.recipients.map(({ address }) => address).join(" ");
    lines.push({ ms, text: `${id} <= ${sender} ${client} P=esmtpsa A=plain_server:${account} S=900 for ${to}` });
    let end = ms;
    for (const { address, bouncedMs } of event.recipients) {
      const host = `R=dnslookup T=remote_smtp H=mx.${address.slice(address.indexOf("@") + 1)} [192.0.2.9]`;
      end = Math.max(end, bouncedMs ?? ms);
      lines.push({
        ms: bouncedMs ?? ms,
        text:
          bouncedMs === undefined
            ? `${id} => ${address} ${host}`
            : `${id} ** ${address} ${host}: 550 5.1.1 User unknown`,
      });
    }
    lines.push({ ms: end, text: `${id} Completed` });
  }
  return lines
    .map((line, order) => ({ ...line, order }))
    .sort((one, other) => one.ms - other.ms || one.order - other.order)
    .map(({ ms, text }) => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} ${text}\n`)
    .join("");
}
