/**
 * Four weeks of a mail server, made up from a seed: what usually happens, episodes of each kind of incident with their labels, and decoys
 * that only look so. The same happenings are given as facts, for the rules alone, and as a log, for all of the program.
 */
import type { Observation } from "../../src/incidents/observation.ts";
import type { AccountHour } from "../../src/message/account-risk.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/units.ts";
import { messageIdAt, Random } from "../support/generate.ts";

/** A Monday. */
export const START_MS = Date.UTC(2026, 2, 2);
export const DAYS = 28;
/** Days without episodes, which show what is usual. */
const QUIET_DAYS = 8;
/** The night in which clocks of Europe change: from then on people come an hour earlier by UTC. */
const CLOCK_CHANGE_DAY = 27;

export interface Label {
  readonly kind: string;
  /** Part of the subject that names it. */
  readonly subject: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly level: "clear" | "subtle";
}

export interface Happening {
  readonly ms: number;
  /** Line of the main log, without its stamp; undefined where a line before tells it. */
  readonly line: string | undefined;
  readonly facts: readonly Observation[];
}

export interface SimulatedTraffic {
  /** By time. */
  readonly happenings: readonly Happening[];
  readonly labels: readonly Label[];
  readonly decoys: readonly string[];
  readonly messages: number;
}

/** Share of the mail of a day in each hour. */
const HOURS = [1, 1, 1, 1, 1, 1, 2, 4, 8, 10, 10, 9, 6, 8, 9, 8, 8, 5, 3, 2, 1, 1, 1, 1];

type Outcome = "delivered" | keyof typeof TROUBLES;

/** Ends of deliveries, each with its category and the words of its line. */
const TROUBLES = {
  unknown: {
    outcome: "bounced",
    category: "unknown_user",
    reply: "SMTP error from remote mail server after RCPT TO:<␂>: 550 5.1.1 User unknown",
  },
  listed: {
    outcome: "bounced",
    category: "reputation",
    reply:
      "SMTP error from remote mail server after RCPT TO:<␂>: 554 5.7.1 Service unavailable; Client host [198.51.100.25] blocked using zen.spamhaus.org",
  },
  greylisted: {
    outcome: "deferred",
    category: "greylisting",
    reply:
      "SMTP error from remote mail server after RCPT TO:<␂>: 451 4.7.1 Greylisting in action, please come back later",
  },
  throttled: {
    outcome: "deferred",
    category: "rate_limit",
    reply:
      "SMTP error from remote mail server after end of data: 421 4.7.28 Our system has detected an unusual rate of mail from your IP address - gsmtp",
  },
  timeout: { outcome: "deferred", category: "timeout", reply: "Connection timed out" },
  dns: { outcome: "deferred", category: "dns", reply: "host lookup did not complete" },
  tls: {
    outcome: "deferred",
    category: "tls",
    reply: "TLS session: (SSL_connect): error:0A000152:SSL routines::unsafe legacy renegotiation disabled",
  },
} as const;

interface Mail {
  readonly ms: number;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly outcomes: readonly Outcome[];
  /** A local user handed it over. */
  readonly user?: string;
  /** An account sent it. */
  readonly account?: string;
  readonly ip?: string;
  /** Time between an outcome that is no end and the delivery; never when it is left out. */
  readonly laterMs?: number;
}

export const PROVIDERS: Readonly<Record<string, string>> = {
  "gmail.com": "google.com",
  "googlemail.com": "google.com",
  "outlook.example": "outlook.com",
  "yahoo.example": "yahoodns.net",
};

export function simulateTraffic(seed: number, share = 1, days = DAYS): SimulatedTraffic {
  return new TrafficSimulator(seed, share, days).run();
}

class TrafficSimulator {
  readonly #random: Random;
  readonly #share: number;
  readonly #days: number;
  #happenings: Happening[] = [];
  readonly #labels: Label[] = [];
  readonly #decoys: string[] = [];
  readonly #domains: readonly string[];
  #messages = 0;

  constructor(seed: number, share: number, days: number) {
    this.#random = new Random(seed * 7919 + 13);
    this.#share = share;
    this.#days = days;
    this.#domains = [...Object.keys(PROVIDERS), ...Array.from({ length: 120 }, (_, index) => `d${index}.example`)];
  }

  run(): SimulatedTraffic {
    this.#addBackground();
    this.#addDecoys();
    this.#addEpisodes();
    const happenings = this.#happenings.sort((one, other) => one.ms - other.ms);
    return { happenings, labels: this.#labels, decoys: this.#decoys, messages: this.#messages };
  }

  #push(ms: number, line: string | undefined, ...facts: Observation[]): void {
    const end = START_MS + this.#days * DAY_MS;
    if (ms < end) this.#happenings.push({ ms, line, facts });
  }

  #at(ms: number): EpochMs {
    return epochMs(Math.floor(ms / SECOND_MS) * SECOND_MS);
  }

  #mail(mail: Mail): void {
    const ms = this.#at(mail.ms);
    const id = messageIdAt(ms, this.#messages++);
    const { sender, recipients, user, account, ip = "192.0.2.77" } = mail;
    const facts: Observation[] = [{ kind: "arrived", ms }];
    if (user !== undefined) facts.push({ kind: "handed_over", ms, user, messageId: id });
    if (sender === "<>")
      for (const recipient of recipients) facts.push({ kind: "bounce_received", ms, recipient, ip, messageId: id });
    const domains = recipients.map((recipient) => recipient.slice(recipient.indexOf("@") + 1));
    if (account !== undefined)
      facts.push({
        kind: "account",
        ms,
        row: accountRow(account, ip, ms, {
          messages: 1,
          recipients: recipients.length,
          firstLoginMs: ms,
          lastLoginMs: ms,
          domainNames: domains,
          messageIds: [id],
        }),
      });
    const client =
      user === undefined
        ? `H=(pc) [${ip}] P=${account === undefined ? "esmtp" : `esmtpsa A=plain_server:${account}`}`
        : `U=${user} P=local`;
    this.#push(ms, `${id} <= ${sender} ${client} S=900 for ${recipients.join(" ")}`, ...facts);
    let lastMs: number = ms;
    let isLeft = true;
    for (const [index, recipient] of recipients.entries()) {
      const outcome = mail.outcomes[index] ?? "delivered";
      const atMs = this.#at(ms + SECOND_MS);
      this.#outcome(id, mail, recipient, outcome, atMs);
      lastMs = Math.max(lastMs, atMs);
      if (outcome === "delivered" || TROUBLES[outcome].outcome === "bounced") continue;
      if (mail.laterMs === undefined) isLeft = false;
      else {
        const later = this.#at(atMs + mail.laterMs);
        this.#outcome(id, mail, recipient, "delivered", later);
        lastMs = Math.max(lastMs, later);
      }
    }
    if (isLeft) this.#push(lastMs, `${id} Completed`, { kind: "left", ms: epochMs(lastMs) });
  }

  #outcome(
    messageId: string,
    { sender, user, account, ip = "192.0.2.77" }: Mail,
    recipient: string,
    outcome: Outcome,
    ms: number,
  ): void {
    const domain = recipient.slice(recipient.indexOf("@") + 1);
    const isLocal = domain === "example.org";
    const at = epochMs(ms);
    const host = `mx.${PROVIDERS[domain] ?? domain}`;
    const route = isLocal ? "R=local T=maildir" : `R=dnslookup T=remote_smtp H=${host} [192.0.2.9]`;
    const common = { kind: "outcome", ms: at, messageId, sender, user, domain } as const;
    if (outcome === "delivered") {
      const provider = isLocal ? undefined : (PROVIDERS[domain] ?? domain);
      this.#push(ms, `${messageId} => ${recipient} ${route}`, {
        ...common,
        outcome,
        provider,
        category: undefined,
        reply: undefined,
      });
      return;
    }
    const trouble = TROUBLES[outcome];
    const isWithoutHost = outcome === "dns" || outcome === "timeout";
    const text = trouble.reply.replaceAll("␂", recipient);
    const line =
      trouble.outcome === "bounced"
        ? `${messageId} ** ${recipient} ${route}: ${text}`
        : isWithoutHost
          ? `${messageId} == ${recipient} R=dnslookup${outcome === "dns" ? "" : " T=remote_smtp"} defer (${outcome === "dns" ? -1 : 110}): ${text}`
          : `${messageId} == ${recipient} ${route} defer (-46): ${text}`;
    const facts: Observation[] = [
      {
        ...common,
        outcome: trouble.outcome,
        provider: isWithoutHost ? undefined : (PROVIDERS[domain] ?? domain),
        category: trouble.category,
        reply: text,
      },
    ];
    if (account !== undefined && trouble.outcome === "bounced")
      facts.push({ kind: "account", ms: at, row: accountRow(account, ip, ms, { refused: 1 }) });
    this.#push(ms, line, ...facts);
  }

  #failLogin(ms: number, ip: string, account: string | undefined): void {
    const at = this.#at(ms);
    this.#push(
      at,
      `login_server authenticator failed for (x) [${ip}]: 535 Incorrect authentication data${account === undefined ? "" : ` (set_id=${account})`}`,
      {
        kind: "failed_login",
        ms: at,
        ip,
        network: networkOf(ip),
        account,
        row: account === undefined ? undefined : accountRow(account, ip, at, { failures: 1, firstFailureMs: at }),
      },
    );
  }

  #failTls(ms: number, ip: string, error = "error:0A000102:SSL routines::unsupported protocol"): void {
    const at = this.#at(ms);
    this.#push(at, `TLS error on connection from (x) [${ip}] (SSL_accept): ${error}`, {
      kind: "tls",
      ms: at,
      ip,
      error: `(SSL_accept): ${error}`,
    });
  }

  #strangeIp(): string {
    const random = this.#random;
    return `${100 + random.upTo(80)}.${random.upTo(250)}.${random.upTo(250)}.${1 + random.upTo(250)}`;
  }

  #userAt(index: number): string {
    return `user${index}@example.org`;
  }

  #recipient(domain = this.#random.pick(this.#domains)): string {
    return `r${this.#random.upTo(100_000)}@${domain}`;
  }

  /** Ends of a delivery on a usual day. */
  #usualOutcome(domain: string): Outcome {
    const share = this.#random.next();
    if (domain.endsWith("d119.example")) return "timeout";
    if (share < 0.015) return "unknown";
    if (share < 0.045) return "greylisted";
    if (share < 0.048) return "timeout";
    if (share < 0.05) return "throttled";
    if (share < 0.051) return "dns";
    return share < 0.052 ? "tls" : "delivered";
  }

  #timeOfDay(day: number): number {
    const random = this.#random;
    let share = random.upTo(HOURS.reduce((sum, weight) => sum + weight, 0));
    let hour = 0;
    while (share >= (HOURS[hour] ?? 0)) share -= HOURS[hour++] ?? 0;
    const summer = day >= CLOCK_CHANGE_DAY ? -HOUR_MS : 0;
    return START_MS + day * DAY_MS + hour * HOUR_MS + random.upTo(HOUR_MS) + summer;
  }

  #addBackground(): void {
    const random = this.#random;
    for (let day = 0; day < this.#days; day++) {
      const busy = day % 7 >= 5 ? 0.35 : day % 7 === 0 ? 1.5 : 1;
      for (let count = Math.round(900 * busy * this.#share * (0.85 + random.next() * 0.3)); count > 0; count--) {
        const ms = Math.max(START_MS, this.#timeOfDay(day));
        const local = random.upTo(40);
        if (random.next() < 0.5) {
          const recipients = [this.#userAt(local)];
          this.#mail({ ms, sender: this.#recipient(), recipients, outcomes: ["delivered"], ip: random.ip() });
          continue;
        }
        const many = random.isOneOf(12) ? 2 + random.upTo(8) : 1;
        const recipients = Array.from({ length: many }, () => this.#recipient());
        const outcomes = recipients.map((to) => this.#usualOutcome(to.slice(to.indexOf("@") + 1)));
        const mail = { ms, recipients, outcomes, laterMs: (10 + random.upTo(50)) * MINUTE_MS };
        if (random.next() < 0.1) this.#mail({ ...mail, sender: "www-data@example.org", user: "www-data" });
        else
          this.#mail({
            ...mail,
            sender: this.#userAt(local),
            account: `user${local}`,
            ip: `198.51.100.${local % 4}`,
          });
      }
      for (let run = 0; run < 48; run++) {
        const ms = this.#at(START_MS + day * DAY_MS + run * 30 * MINUTE_MS + 11 * MINUTE_MS);
        this.#push(ms, `Start queue run: pid=${4000 + run}`);
      }
      for (let scans = 20 + random.upTo(40); scans > 0; scans--)
        this.#failTls(START_MS + day * DAY_MS + random.upTo(DAY_MS), this.#strangeIp());
      for (let client = 0; client < 8; client++) {
        const ip = this.#strangeIp();
        let ms = START_MS + day * DAY_MS + random.upTo(DAY_MS * 0.9);
        for (let tried = 3 + random.upTo(25); tried > 0; tried--) {
          this.#failLogin(ms, ip, random.pick(["admin", "test", "info", `user${random.upTo(40)}`]));
          ms += random.upTo(2 * MINUTE_MS);
        }
      }
      for (let bounces = random.upTo(20); bounces > 0; bounces--)
        this.#bounceReceived(this.#timeOfDay(day), this.#userAt(random.upTo(40)), random.ip());
      for (let frozen = random.upTo(6); frozen > 0; frozen--)
        this.#freeze(START_MS + day * DAY_MS + random.upTo(DAY_MS));
    }
  }

  #bounceReceived(ms: number, recipient: string, ip: string): void {
    this.#mail({ ms, sender: "<>", recipients: [recipient], outcomes: ["delivered"], ip });
  }

  #freeze(ms: number): void {
    const at = this.#at(ms);
    const id = messageIdAt(at, this.#messages++);
    const recipient = this.#recipient();
    this.#push(
      at,
      `${id} <= <> H=(x) [192.0.2.44] P=esmtp S=900 for ${recipient}`,
      { kind: "arrived", ms: at },
      { kind: "bounce_received", ms: at, recipient, ip: "192.0.2.44", messageId: id },
    );
    const frozenMs = this.#at(at + SECOND_MS);
    this.#push(frozenMs, `${id} Frozen (delivery error message)`, { kind: "frozen", ms: frozenMs, messageId: id });
    const removedMs = this.#at(at + 6 * HOUR_MS);
    this.#push(removedMs, `${id} removed by root`);
    this.#push(removedMs, `${id} Completed`, { kind: "left", ms: removedMs });
  }

  #addDecoys(): void {
    const random = this.#random;
    const say = (text: string): void => void this.#decoys.push(text);
    const list = (ms: number, count: number, outcome: () => Outcome, from: Partial<Mail>): void => {
      for (let sent = 0; sent < count; sent++)
        this.#mail({
          sender: "news@example.org",
          ...from,
          ms: ms + sent * 2 * SECOND_MS,
          recipients: [this.#recipient()],
          outcomes: [outcome()],
          laterMs: (15 + random.upTo(60)) * MINUTE_MS,
        });
    };
    say("a newsletter each day, from an account");
    for (let day = 0; day < this.#days; day++)
      list(START_MS + day * DAY_MS + 10 * HOUR_MS, 150, () => (random.next() < 0.03 ? "unknown" : "delivered"), {
        account: "news",
        ip: "198.51.100.7",
      });
    say("a newsletter each week, handed over by a program, with bounces from outside to its sender");
    for (let day = 3; day < this.#days; day += 7) {
      const ms = START_MS + day * DAY_MS + (13 + random.upTo(3)) * HOUR_MS;
      list(ms, 350, () => (random.next() < 0.05 ? "unknown" : random.next() < 0.08 ? "greylisted" : "delivered"), {
        user: "www-data",
        sender: "list@example.org",
      });
      for (let bounce = 0; bounce < 25; bounce++)
        this.#bounceReceived(ms + random.upTo(2 * HOUR_MS), "list@example.org", this.#strangeIp());
    }
    say("a first mailing of a program, to a good list");
    list(START_MS + 12 * DAY_MS + 11 * HOUR_MS, 250, () => (random.next() < 0.04 ? "unknown" : "delivered"), {
      user: "shop",
      sender: "shop@shop.example",
    });
    say("a list that explodes: one message to 200 recipients, of whom many bounce and one provider puts off all");
    const recipients = Array.from({ length: 200 }, (_, index) =>
      index < 60 ? this.#recipient("gmail.com") : this.#recipient(`e${index}.example`),
    );
    this.#mail({
      ms: START_MS + 15 * DAY_MS + 14 * HOUR_MS,
      sender: "list@example.org",
      user: "list",
      recipients,
      outcomes: recipients.map(
        (_, index): Outcome =>
          index < 60 ? "throttled" : index < 90 ? "unknown" : index < 110 ? "greylisted" : "delivered",
      ),
      laterMs: HOUR_MS,
    });
    say("a customer's migration: thousands of messages come in one evening");
    for (let moved = 0; moved < 1500; moved++)
      this.#mail({
        ms: START_MS + 17 * DAY_MS + 19 * HOUR_MS + moved * 5 * SECOND_MS,
        sender: this.#recipient(),
        recipients: [this.#userAt(moved % 5)],
        outcomes: ["delivered"],
        ip: "203.0.113.9",
      });
    say("a password changed on five devices of an office");
    for (let tried = 0; tried < 100; tried++)
      this.#failLogin(START_MS + 18 * DAY_MS + 9 * HOUR_MS + tried * 25 * SECOND_MS, "198.51.100.1", "user1");
    say("a scanner that fails TLS two hundred times");
    for (let tried = 0; tried < 200; tried++)
      this.#failTls(START_MS + 19 * DAY_MS + 3 * HOUR_MS + tried * 10 * SECOND_MS, "185.100.1.1");
    say("a greylisting provider on a Monday morning");
    for (let sent = 0; sent < 40; sent++)
      this.#mail({
        ms: START_MS + 21 * DAY_MS + 8 * HOUR_MS + sent * MINUTE_MS,
        sender: this.#userAt(sent % 40),
        account: `user${sent % 40}`,
        ip: `198.51.100.${sent % 4}`,
        recipients: [this.#recipient("d7.example")],
        outcomes: ["greylisted"],
        laterMs: 20 * MINUTE_MS,
      });
  }

  #addEpisodes(): void {
    const episodes = Object.values(this.#episodes);
    // Two hours of a day for each, in any order, so that one does not hide the other.
    const slots = Array.from({ length: (this.#days - QUIET_DAYS) * 2 }, (_, index) => index);
    for (const level of ["clear", "subtle"] as const)
      for (const add of episodes) {
        const [slot = 0] = slots.splice(this.#random.upTo(slots.length), 1);
        const day = QUIET_DAYS + Math.floor(slot / 2);
        const startMs = START_MS + day * DAY_MS + (slot % 2 === 0 ? 4 : 15) * HOUR_MS + this.#random.upTo(2 * HOUR_MS);
        if (day < this.#days - 1) add(startMs, level === "subtle");
      }
  }

  #label(kind: string, subject: string, startMs: number, endMs: number, isSubtle: boolean): void {
    this.#labels.push({ kind, subject, startMs, endMs, level: isSubtle ? "subtle" : "clear" });
  }

  readonly #episodes = {
    login_attack: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const manner = random.upTo(3);
      const count = isSubtle ? 46 + random.upTo(20) : 120 + random.upTo(200);
      const [one, two] = [random.upTo(250), random.upTo(250)];
      const account = `user${random.upTo(40)}`;
      const ip = this.#strangeIp();
      for (let tried = 0; tried < count + (manner === 1 ? 30 : 0); tried++) {
        const at = ms + random.upTo(HOUR_MS * 0.9);
        if (manner === 0) this.#failLogin(at, ip, `user${random.upTo(40)}`);
        else if (manner === 1) this.#failLogin(at, `45.${one}.${two}.${1 + random.upTo(12)}`, `name${random.upTo(99)}`);
        else this.#failLogin(at, this.#strangeIp(), account);
      }
      const subject = manner === 0 ? ip : manner === 1 ? `45.${one}.${two}.0` : account;
      this.#label("login_attack", subject, ms, ms + HOUR_MS, isSubtle);
    },
    script_mail: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const user = `web${random.upTo(1000)}`;
      const hours = isSubtle ? 3 : 2;
      const rate = isSubtle ? 32 + random.upTo(14) : 150 + random.upTo(250);
      const bad = isSubtle ? 0.18 + random.next() * 0.1 : 0.25 + random.next() * 0.2;
      for (let sent = 0; sent < rate * hours; sent++)
        this.#mail({
          ms: ms + random.upTo(hours * HOUR_MS),
          sender: `${user}@example.org`,
          user,
          recipients: [this.#recipient()],
          outcomes: [random.next() < bad ? "unknown" : "delivered"],
        });
      this.#label("script_mail", user, ms, ms + hours * HOUR_MS, isSubtle);
    },
    bounce_wave: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const sender = `crm@c${random.upTo(1000)}.example`;
      const count = isSubtle ? 36 + random.upTo(20) : 150 + random.upTo(150);
      for (let sent = 0; sent < count; sent++)
        this.#mail({
          ms: ms + random.upTo(HOUR_MS * 0.9),
          sender,
          ip: "198.51.100.40",
          recipients: [this.#recipient()],
          outcomes: [random.next() < (isSubtle ? 0.5 : 0.7) ? "unknown" : "delivered"],
        });
      this.#label("bounce_wave", sender.slice(4), ms, ms + HOUR_MS, isSubtle);
    },
    throttled: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const domain = isSubtle ? "yahoo.example" : "gmail.com";
      const count = isSubtle ? 8 + random.upTo(4) : 60 + random.upTo(100);
      for (let sent = 0; sent < count; sent++)
        this.#mail({
          ms: ms + random.upTo(HOUR_MS * 0.8),
          sender: this.#userAt(sent % 40),
          account: `user${sent % 40}`,
          ip: `198.51.100.${(sent % 40) % 4}`,
          recipients: [this.#recipient(domain)],
          outcomes: ["throttled"],
          laterMs: 2 * HOUR_MS,
        });
      this.#label("throttled", PROVIDERS[domain] ?? domain, ms, ms + HOUR_MS, isSubtle);
    },
    blocklisted: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const count = isSubtle ? 5 + random.upTo(3) : 25 + random.upTo(20);
      const hours = isSubtle ? 3 : 2;
      for (let sent = 0; sent < count; sent++)
        this.#mail({
          ms: ms + random.upTo(hours * HOUR_MS),
          sender: this.#userAt(sent % 40),
          account: `user${sent % 40}`,
          ip: `198.51.100.${(sent % 40) % 4}`,
          recipients: [this.#recipient(`d${(sent * 7) % 118}.example`)],
          outcomes: ["listed"],
        });
      this.#label("blocklisted", "zen.spamhaus.org", ms, ms + hours * HOUR_MS, isSubtle);
    },
    backscatter: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const victim = `victim${random.upTo(1000)}@example.org`;
      const count = isSubtle ? 19 + random.upTo(8) : 150 + random.upTo(200);
      for (let bounce = 0; bounce < count; bounce++)
        this.#bounceReceived(ms + random.upTo(2 * HOUR_MS), victim, this.#strangeIp());
      this.#label("backscatter", victim, ms, ms + 2 * HOUR_MS, isSubtle);
    },
    dns_outage: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const count = isSubtle ? 15 + random.upTo(4) : 60 + random.upTo(60);
      for (let sent = 0; sent < count; sent++)
        this.#mail({
          ms: ms + random.upTo(HOUR_MS * 0.7),
          sender: this.#userAt(sent % 40),
          account: `user${sent % 40}`,
          ip: `198.51.100.${(sent % 40) % 4}`,
          recipients: [this.#recipient(`d${(sent * 5) % 117}.example`)],
          outcomes: ["dns"],
          laterMs: HOUR_MS,
        });
      this.#label("dns_outage", "", ms, ms + HOUR_MS, isSubtle);
    },
    tls_failure: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const manner = random.upTo(3);
      if (manner === 0) {
        const domain = `d${random.upTo(100)}.example`;
        for (let sent = 0; sent < (isSubtle ? 8 + random.upTo(3) : 25 + random.upTo(20)); sent++)
          this.#mail({
            ms: ms + random.upTo(HOUR_MS * 0.8),
            sender: this.#userAt(sent % 40),
            account: `user${sent % 40}`,
            ip: `198.51.100.${(sent % 40) % 4}`,
            recipients: [this.#recipient(domain)],
            outcomes: ["tls"],
            laterMs: 3 * HOUR_MS,
          });
        this.#label("tls_failure", domain, ms, ms + HOUR_MS, isSubtle);
        return;
      }
      const expired = "error:0A000415:SSL routines::sslv3 alert certificate expired";
      const count = isSubtle ? (manner === 1 ? 4 : 50 + random.upTo(10)) : 150 + random.upTo(200);
      for (let tried = 0; tried < count; tried++)
        this.#failTls(
          ms + random.upTo(HOUR_MS * 0.9),
          manner === 1 ? `198.51.100.${random.upTo(200)}` : this.#strangeIp(),
          ...(manner === 1 ? [expired] : []),
        );
      this.#label("tls_failure", "own service", ms, ms + HOUR_MS, isSubtle);
    },
    frozen_pile: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      for (let frozen = isSubtle ? 13 + random.upTo(5) : 50 + random.upTo(50); frozen > 0; frozen--)
        this.#freeze(ms + random.upTo(HOUR_MS * 0.8));
      this.#label("frozen_pile", "", ms, ms + HOUR_MS, isSubtle);
    },
    queue_growth: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const count = isSubtle ? 150 + random.upTo(50) : 600 + random.upTo(300);
      const hours = 7;
      for (let sent = 0; sent < count; sent++)
        this.#mail({
          ms: ms + random.upTo(hours * HOUR_MS),
          sender: this.#userAt(sent % 40),
          account: `user${sent % 40}`,
          ip: `198.51.100.${(sent % 40) % 4}`,
          recipients: [this.#recipient()],
          outcomes: ["greylisted"],
          laterMs: 9 * HOUR_MS,
        });
      this.#label("queue_growth", "", ms, ms + hours * HOUR_MS, isSubtle);
    },
    remote_down: (ms: number, isSubtle: boolean): void => {
      const random = this.#random;
      const domain = `d${random.upTo(100)}.example`;
      const hours = isSubtle ? 2 : 4;
      const endMs = ms + hours * HOUR_MS;
      // Nothing gets through meanwhile.
      this.#happenings = this.#happenings.filter(
        ({ ms: at, facts }) =>
          at < ms || at > endMs || !facts.some((fact) => fact.kind === "outcome" && fact.domain === domain),
      );
      this.#mail({ ms: ms - DAY_MS, sender: this.#userAt(1), recipients: [`a@${domain}`], outcomes: ["delivered"] });
      const count = isSubtle ? 9 + random.upTo(3) : 40 + random.upTo(30);
      for (let sent = 0; sent < count; sent++)
        this.#mail({
          ms: ms + (sent / count) * (hours - 0.1) * HOUR_MS,
          sender: this.#userAt(sent % 40),
          account: `user${sent % 40}`,
          ip: `198.51.100.${(sent % 40) % 4}`,
          recipients: [this.#recipient(domain)],
          outcomes: ["timeout"],
          laterMs: endMs - ms,
        });
      this.#label("remote_down", domain, ms, endMs, isSubtle);
    },
    silence: (ms: number, isSubtle: boolean): void => {
      const endMs = ms + (isSubtle ? 100 * MINUTE_MS : 8 * HOUR_MS);
      this.#happenings = this.#happenings.filter(({ ms: at }) => at < ms || at > endMs);
      this.#label("silence", "", ms, endMs, isSubtle);
    },
    panic: (ms: number, isSubtle: boolean): void => {
      for (let line = isSubtle ? 1 : 6; line > 0; line--) {
        const at = this.#at(ms + this.#random.upTo(HOUR_MS));
        const text = "Failed to get write lock for /var/spool/exim4/db/retry.lockfile: timed out";
        this.#push(at, text, { kind: "panic", ms: at, text, messageId: undefined });
      }
      this.#label("panic", "", ms, ms + HOUR_MS, isSubtle);
    },
  };
}

function accountRow(account: string, ip: string, ms: number, figures: Partial<AccountHour>): AccountHour {
  return {
    server: "mx1",
    account,
    hour: Math.floor(ms / HOUR_MS),
    ip,
    network: networkOf(ip),
    failures: 0,
    firstFailureMs: null,
    messages: 0,
    recipients: 0,
    refused: 0,
    domains: 0,
    firstLoginMs: null,
    lastLoginMs: null,
    ...figures,
  };
}

function networkOf(ip: string): string {
  return ip.replace(/\d+$/, "0/24");
}

/** Facts of happenings, with the minutes in which something was logged. */
export function* factsOf(happenings: readonly Happening[]): Generator<Observation> {
  let minute = -1;
  for (const { ms, line, facts } of happenings) {
    const own = Math.floor(ms / MINUTE_MS);
    if (line !== undefined && own !== minute) {
      minute = own;
      yield { kind: "line", ms: epochMs(own * MINUTE_MS) };
    }
    yield* facts;
  }
}

/** The main log of the happenings; stamps are in UTC. */
export function logOf(happenings: readonly Happening[]): string {
  return happenings
    .flatMap(({ ms, line }) =>
      line === undefined ? [] : [`${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} ${line}\n`],
    )
    .join("");
}
