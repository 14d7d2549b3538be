/** Runs a rule that counts by subject over facts in the order of time, without looking ahead. */
import { type EpochMs, HOUR_MS, MINUTE_MS } from "../units.ts";
import type { Observation } from "./observation.ts";
import type { Contribution, CountingRule, FoundEpisode, IncidentFigures, Past, Thresholds, Window } from "./rule.ts";

/** Entries at the front of a list that are no longer wanted are kept until they are so many. */
const MOST_UNWANTED = 64;

/** Removes the first entries when they are most of a list; returns how many of them are left. */
function withoutFirst(list: unknown[], first: number): number {
  if (first < MOST_UNWANTED || first * 2 < list.length) return first;
  list.splice(0, first);
  return 0;
}

const DAY_HOURS = 24;
/** Nine of ten hours. */
const USUAL_QUANTILE = 0.9;
export const MOST_EVIDENCE = 200;
const MOST_VALUES = 20;
const MOST_TEXTS = 5;
/** Deliveries are counted by the minute: single ones prove nothing. */
const STEP_MS = MINUTE_MS;

/** State of keys, kept from one run to the next. */
export interface StateReader {
  readonly read: (key: string) => unknown;
}

type HourCount = readonly [hour: number, count: number];

interface SubjectState {
  readonly good: number;
  readonly counts: CountsState | null;
}

/** Figures of a subject in the time that the rule looks back: minutes with their counts, and what counts against it. */
interface WindowState {
  readonly good: readonly MinuteCount[];
  readonly bad: readonly MinuteCount[];
  readonly seen: readonly (readonly [
    ms: number,
    count: number,
    one: string | null,
    other: string | null,
    text: string | null,
    messageId: string | null,
  ])[];
}

type MinuteCount = readonly [ms: number, count: number];

interface CountsState {
  /** Measure of an hour → hours that had it; hours without anything are not in it. */
  readonly hours: readonly (readonly [measure: number, hours: number])[];
  readonly most: number;
  readonly recent: readonly HourCount[];
  readonly hour: number;
  readonly count: number;
  readonly ones: readonly string[];
  readonly isMet: boolean;
  readonly episode: OpenEpisodeState | null;
}

interface OpenEpisodeState {
  readonly startMs: number;
  readonly firedMs: number;
  readonly lastMs: number;
  readonly hours: readonly HourCount[];
  readonly around: readonly HourCount[];
  readonly peak: number;
  readonly usual: number;
  readonly good: number;
  readonly bad: number;
  readonly one: readonly string[];
  readonly other: readonly string[];
  readonly texts: readonly (readonly [string, number])[];
  readonly messages: readonly string[];
}

interface OpenEpisode {
  startMs: number;
  firedMs: number;
  lastMs: number;
  /** Main figure by hour, of the hours that met the rule. */
  readonly hours: Map<number, number>;
  /** The same of the other hours of the day up to the last of them. */
  readonly around: Map<number, number>;
  peak: number;
  usual: number;
  good: number;
  bad: number;
  readonly one: Set<string>;
  readonly other: Set<string>;
  readonly texts: Map<string, number>;
  readonly messages: Set<string>;
}

interface Seen {
  readonly ms: number;
  readonly count: number;
  readonly one: string | undefined;
  readonly other: string | undefined;
  readonly text: string | undefined;
  readonly messageId: string | undefined;
  /** It is a part of the episode. */
  isCounted: boolean;
}

/** Values with how often each is in the window. */
class ValueCounts {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }

  add(value: string | undefined): void {
    if (value !== undefined) this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  remove(value: string | undefined): void {
    if (value === undefined) return;
    const count = (this.#counts.get(value) ?? 0) - 1;
    if (count > 0) this.#counts.set(value, count);
    else this.#counts.delete(value);
  }
}

/** Counts of a time, by the minute. */
class MinuteCounts {
  /** Each minute with its count, one after the other: as pairs they were what filled the memory. */
  readonly #minutes: number[] = [];
  #first = 0;
  total = 0;

  add(ms: number, count: number): void {
    const step = ms - (ms % STEP_MS);
    const { length } = this.#minutes;
    if (this.#minutes[length - 2] === step) this.#minutes[length - 1] = this.#countAt(length - 2) + count;
    else this.#minutes.push(step, count);
    this.total += count;
  }

  #countAt(place: number): number {
    return this.#minutes[place + 1] ?? 0;
  }

  forget(beforeMs: number): void {
    for (let ms = this.#minutes[this.#first]; ms !== undefined && ms < beforeMs; ms = this.#minutes[this.#first]) {
      this.total -= this.#countAt(this.#first);
      this.#first += 2;
    }
    this.#first = withoutFirst(this.#minutes, this.#first);
  }

  *since(fromMs: number): Generator<MinuteCount> {
    for (let place = this.#first; place < this.#minutes.length; place += 2) {
      const ms = this.#minutes[place] ?? 0;
      if (ms >= fromMs) yield [ms, this.#countAt(place)];
    }
  }
}

/** Figures against a subject: the time that the rule looks back, the hours before, and the episode that goes on. */
class Counts {
  readonly hours = new Map<number, number>();
  most = 0;
  /** Measures of the hours of the last day, of those that had any. */
  recent: HourCount[] = [];
  hour = Number.MIN_SAFE_INTEGER;
  /** Figures of the hour so far. */
  hourCount = 0;
  hourOnes = new Set<string>();
  /** The rule was met in the hour: it is no measure of what is usual at most. */
  isMetInHour = false;
  episode: OpenEpisode | undefined;
  count = 0;
  readonly ones = new ValueCounts();
  readonly others = new ValueCounts();
  past: Omit<Past, "good"> | undefined;
  readonly #seen: Seen[] = [];
  #firstSeen = 0;

  push({ count = 1, one, other, text, messageId }: Contribution, ms: number): void {
    this.#add({ ms, count, one, other, text, messageId, isCounted: false });
  }

  #add(seen: Seen): void {
    this.#seen.push(seen);
    this.count += seen.count;
    this.ones.add(seen.one);
    this.others.add(seen.other);
  }

  /** Takes back what an earlier run has seen. An episode has counted it unless it came after its last one. */
  restoreWindow(seen: WindowState["seen"]): void {
    const lastMs = this.episode?.lastMs ?? Number.NEGATIVE_INFINITY;
    for (const [ms, count, one, other, text, messageId] of seen)
      this.#add({
        ms,
        count,
        one: one ?? undefined,
        other: other ?? undefined,
        text: text ?? undefined,
        messageId: messageId ?? undefined,
        isCounted: ms <= lastMs,
      });
  }

  /** Forgets what was before a time. */
  forget(beforeMs: number): void {
    for (let seen = this.#seen[this.#firstSeen]; seen !== undefined && seen.ms < beforeMs; ) {
      this.count -= seen.count;
      this.ones.remove(seen.one);
      this.others.remove(seen.other);
      seen = this.#seen[++this.#firstSeen];
    }
    this.#firstSeen = withoutFirst(this.#seen, this.#firstSeen);
  }

  /** Takes those of the window that the episode has not counted. */
  *takeUncounted(): Generator<Seen> {
    let index = this.#seen.length;
    while (index > this.#firstSeen && this.#seen[index - 1]?.isCounted === false) index--;
    for (; index < this.#seen.length; index++) {
      const seen = this.#seen[index] as Seen;
      seen.isCounted = true;
      yield seen;
    }
  }

  /** All of the window, or what of it came at a time or later. */
  inWindow(fromMs = Number.NEGATIVE_INFINITY): readonly Seen[] {
    return this.#seen.slice(this.#firstSeen).filter(({ ms }) => ms >= fromMs);
  }

  get spanMs(): number {
    const [first, last] = [this.#seen[this.#firstSeen], this.#seen.at(-1)];
    return first === undefined || last === undefined ? 0 : last.ms - first.ms;
  }

  restore(state: CountsState): void {
    for (const [measure, hours] of state.hours) this.hours.set(measure, hours);
    this.most = state.most;
    this.recent = [...state.recent];
    this.hour = state.hour;
    this.hourCount = state.count;
    this.hourOnes = new Set(state.ones);
    this.isMetInHour = state.isMet;
    if (state.episode === null) return;
    this.episode = {
      ...state.episode,
      hours: new Map(state.episode.hours),
      around: new Map(state.episode.around),
      one: new Set(state.episode.one),
      other: new Set(state.episode.other),
      texts: new Map(state.episode.texts),
      messages: new Set(state.episode.messages),
    };
  }

  state(): CountsState {
    const { episode } = this;
    return {
      hours: [...this.hours],
      most: this.most,
      recent: this.recent,
      hour: this.hour,
      count: this.hourCount,
      ones: [...this.hourOnes],
      isMet: this.isMetInHour,
      episode:
        episode === undefined
          ? null
          : {
              ...episode,
              hours: [...episode.hours],
              around: [...episode.around],
              one: [...episode.one],
              other: [...episode.other],
              texts: [...episode.texts],
              messages: [...episode.messages],
            },
    };
  }
}

/** Subjects of which only good is known are many, and small. */
interface Subject {
  readonly good: MinuteCounts;
  bad: MinuteCounts | undefined;
  goodBefore: number;
  counts: Counts | undefined;
  /** Its state was read. */
  isRead: boolean;
  /** Something was taken that its state does not tell. */
  isNew: boolean;
}

/** A rule of counts, for one server. */
export class CountingWatch {
  readonly rule: CountingRule;
  readonly #thresholds: Thresholds;
  readonly #memory: StateReader;
  readonly #subjects = new Map<string, Subject>();
  /** Windows of earlier runs, of subjects that no fact was about since. */
  readonly #windows: Map<string, WindowState>;
  readonly #ended: FoundEpisode<IncidentFigures>[] = [];

  constructor(rule: CountingRule, thresholds: Thresholds, memory: StateReader) {
    this.rule = rule;
    this.#thresholds = thresholds;
    this.#memory = memory;
    const windows = memory.read(windowsKey(rule)) as readonly (readonly [string, WindowState])[] | undefined;
    this.#windows = new Map(windows);
  }

  /** Takes a fact; `start` is the first hour of the server's log. */
  take(observation: Observation, start: number): void {
    for (const contribution of this.rule.contributionsOf(observation)) this.#add(contribution, observation.ms, start);
  }

  #add(contribution: Contribution, ms: EpochMs, start: number): void {
    const { subject: name, count = 1, good = 0, bad = 0, one } = contribution;
    const subject = this.#subjectOf(name, count > 0);
    const fromMs = ms - this.rule.windowMs;
    subject.good.forget(fromMs);
    subject.bad?.forget(fromMs);
    if (good > 0) subject.good.add(ms, good);
    if (bad > 0) {
      subject.bad ??= new MinuteCounts();
      subject.bad.add(ms, bad);
    }
    subject.isNew ||= count > 0 || subject.goodBefore === 0;
    subject.goodBefore += good;
    if (count > 0) subject.counts ??= new Counts();
    const { counts } = subject;
    if (counts === undefined || (count === 0 && bad === 0)) return;
    counts.forget(fromMs);
    if (count > 0) counts.push(contribution, ms);
    subject.isNew = true;
    const hour = Math.floor(ms / HOUR_MS);
    if (hour > counts.hour) this.#closeHour(counts, hour);
    counts.hourCount += count;
    if (one !== undefined && this.rule.measure === "one") counts.hourOnes.add(one);
    const past = this.#pastOf(counts, start, subject.goodBefore);
    if (this.rule.isMet(windowOf(subject, counts), past, this.#thresholds, name)) this.#meet(name, subject, ms, past);
  }

  #subjectOf(name: string, isCounted: boolean): Subject {
    const known = this.#subjects.get(name);
    if (known !== undefined && (known.isRead || !isCounted)) return known;
    const subject = known ?? {
      good: new MinuteCounts(),
      bad: undefined,
      goodBefore: 0,
      counts: undefined,
      isRead: false,
      isNew: false,
    };
    const window = this.#windows.get(name);
    if (known === undefined) this.#subjects.set(name, subject);
    if (isCounted || this.rule.remembersGood === true || (window?.seen.length ?? 0) > 0) this.#read(name, subject);
    if (window === undefined) return subject;
    this.#windows.delete(name);
    for (const [ms, count] of window.good) subject.good.add(ms, count);
    for (const [ms, count] of window.bad) {
      subject.bad ??= new MinuteCounts();
      subject.bad.add(ms, count);
    }
    if (window.seen.length === 0) return subject;
    subject.counts ??= new Counts();
    subject.counts.restoreWindow(window.seen);
    return subject;
  }

  #read(name: string, subject: Subject): void {
    subject.isRead = true;
    const state = this.#memory.read(`${this.rule.kind} ${name}`) as SubjectState | undefined;
    if (state === undefined) return;
    subject.goodBefore += state.good;
    if (state.counts === null) return;
    subject.counts = new Counts();
    subject.counts.restore(state.counts);
  }

  #closeHour(counts: Counts, hour: number): void {
    const measure = this.rule.measure === "one" ? counts.hourOnes.size : counts.hourCount;
    if (measure > 0) {
      counts.hours.set(measure, (counts.hours.get(measure) ?? 0) + 1);
      if (!counts.isMetInHour) counts.most = Math.max(counts.most, measure);
      const oldest = counts.hour - DAY_HOURS;
      counts.recent = [...counts.recent.filter(([past]) => past > oldest), [counts.hour, measure]];
    }
    counts.hour = hour;
    counts.hourCount = 0;
    counts.hourOnes = new Set();
    counts.isMetInHour = false;
    counts.past = undefined;
  }

  #pastOf(counts: Counts, start: number, good: number): Past {
    if (counts.past === undefined) {
      const hours = Math.max(0, counts.hour - start);
      counts.past = { hours, usual: usualOf(counts.hours, hours), most: counts.most };
    }
    return { ...counts.past, good };
  }

  #meet(name: string, subject: Subject, ms: number, { usual }: Past): void {
    const { counts } = subject;
    if (counts === undefined) return;
    counts.isMetInHour = true;
    const open = counts.episode;
    const isOver = open !== undefined && ms - open.lastMs > this.rule.pauseMs;
    if (open !== undefined && isOver) this.#ended.push(this.#toEpisode(name, open));
    const episode = open === undefined || isOver ? begin(ms, usual) : open;
    counts.episode = episode;
    const isOne = this.rule.measure === "one";
    episode.peak = Math.max(episode.peak, isOne ? counts.ones.size : counts.count);
    episode.good = Math.max(episode.good, subject.good.total);
    episode.bad = Math.max(episode.bad, subject.bad?.total ?? 0);
    for (const seen of counts.takeUncounted()) addTo(episode, seen);
    if (!episode.hours.has(counts.hour)) addAround(episode, counts);
    episode.hours.set(counts.hour, isOne ? counts.hourOnes.size : counts.hourCount);
    if (episode !== open && episode.startMs < counts.hour * HOUR_MS) addEarlierHours(episode, counts, isOne);
    episode.lastMs = ms;
  }

  #toEpisode(subject: string, episode: OpenEpisode): FoundEpisode<IncidentFigures> {
    const { kind, severity, pauseMs } = this.rule;
    const hours = [...episode.hours];
    const count = hours.reduce((sum, [, n]) => sum + n, 0);
    const texts = [...episode.texts].sort(([one, n], [other, m]) => m - n || (one < other ? -1 : 1));
    return {
      kind,
      subject,
      severity,
      startMs: episode.startMs as EpochMs,
      firedMs: episode.firedMs as EpochMs,
      lastMs: episode.lastMs as EpochMs,
      pauseMs,
      count,
      hours,
      around: [...episode.around].filter(([hour]) => !episode.hours.has(hour)),
      figures: {
        count,
        peak: episode.peak,
        usual: episode.usual,
        good: episode.good,
        bad: episode.bad,
        one: [...episode.one].slice(0, MOST_VALUES),
        oneCount: episode.one.size,
        other: [...episode.other].slice(0, MOST_VALUES),
        otherCount: episode.other.size,
        texts: texts.slice(0, MOST_TEXTS).map(([text]) => text),
      },
      messages: [...episode.messages],
    };
  }

  /** Episodes of subjects that facts were about, those that ended since they were last asked for first. */
  takeEpisodes(): FoundEpisode<IncidentFigures>[] {
    const open = [...this.#subjects].flatMap(([name, { counts, isNew }]) =>
      counts?.episode === undefined || !isNew ? [] : [this.#toEpisode(name, counts.episode)],
    );
    return [...this.#ended.splice(0), ...open];
  }

  /** State of the subjects that facts were about, and all windows, at a time that is a whole minute. */
  *states(endMs: number): Generator<readonly [key: string, state: unknown]> {
    for (const [name, { counts, goodBefore, isNew }] of this.#subjects)
      if (isNew && (counts !== undefined || this.rule.remembersGood === true))
        yield [
          `${this.rule.kind} ${name}`,
          { good: goodBefore, counts: counts?.state() ?? null } satisfies SubjectState,
        ];
    yield [windowsKey(this.rule), [...this.#windowsAt(endMs - this.rule.windowMs)]];
  }

  /** Windows as later facts will need them, by subject. */
  *#windowsAt(fromMs: number): Generator<readonly [subject: string, window: WindowState]> {
    const isIn = ([ms]: readonly [number, ...unknown[]]): boolean => ms >= fromMs;
    for (const [name, { good, bad, counts }] of this.#subjects) {
      const seen = (counts?.inWindow(fromMs) ?? []).map(
        ({ ms, count, one = null, other = null, text = null, messageId = null }) =>
          [ms, count, one, other, text, messageId] as const,
      );
      const window = { good: [...good.since(fromMs)], bad: [...(bad?.since(fromMs) ?? [])], seen };
      if (!isEmpty(window)) yield [name, window];
    }
    for (const [name, { good, bad, seen }] of this.#windows) {
      const window = { good: good.filter(isIn), bad: bad.filter(isIn), seen: seen.filter(isIn) };
      if (!isEmpty(window)) yield [name, window];
    }
  }
}

/** Key of the windows of a rule: no rule is called so. */
function windowsKey({ kind }: CountingRule): string {
  return `window ${kind}`;
}

function isEmpty({ good, bad, seen }: WindowState): boolean {
  return good.length + bad.length + seen.length === 0;
}

function windowOf({ good, bad }: Subject, counts: Counts): Window {
  return {
    count: counts.count,
    good: good.total,
    bad: bad?.total ?? 0,
    one: counts.ones.size,
    other: counts.others.size,
    spanMs: counts.spanMs,
  };
}

function begin(ms: number, usual: number): OpenEpisode {
  return {
    startMs: ms,
    firedMs: ms,
    lastMs: ms,
    hours: new Map(),
    around: new Map(),
    peak: 0,
    usual,
    good: 0,
    bad: 0,
    one: new Set(),
    other: new Set(),
    texts: new Map(),
    messages: new Set(),
  };
}

/** Different values that an episode remembers; of more it is only known that there were so many. */
const MOST_DIFFERENT = 1000;
const MOST_DIFFERENT_TEXTS = 50;

function addTo(episode: OpenEpisode, { ms, one, other, text, messageId }: Seen): void {
  episode.startMs = Math.min(episode.startMs, ms);
  if (one !== undefined && episode.one.size < MOST_DIFFERENT) episode.one.add(one);
  if (other !== undefined && episode.other.size < MOST_DIFFERENT) episode.other.add(other);
  if (messageId !== undefined && episode.messages.size < MOST_EVIDENCE) episode.messages.add(messageId);
  if (text === undefined) return;
  if (episode.texts.has(text) || episode.texts.size < MOST_DIFFERENT_TEXTS)
    episode.texts.set(text, (episode.texts.get(text) ?? 0) + 1);
}

/** Remembers the hours of the day before the one in which the rule is met now. */
function addAround({ around }: OpenEpisode, { hour, recent }: Counts): void {
  const oldest = hour - DAY_HOURS;
  for (const [past] of around) if (past <= oldest) around.delete(past);
  for (const [past, count] of recent) if (past > oldest) around.set(past, count);
}

/** Counts those of the window that are of hours before the one in which the rule was met. */
function addEarlierHours(episode: OpenEpisode, subject: Counts, isOne: boolean): void {
  const counts = new Map<number, { count: number; ones: Set<string> }>();
  for (const { ms, count, one } of subject.inWindow()) {
    const hour = Math.floor(ms / HOUR_MS);
    if (hour === subject.hour) continue;
    const known = counts.get(hour) ?? { count: 0, ones: new Set<string>() };
    counts.set(hour, known);
    known.count += count;
    if (one !== undefined) known.ones.add(one);
  }
  for (const [hour, { count, ones }] of counts) episode.hours.set(hour, isOne ? ones.size : count);
}

/** The measure that nine of ten hours did not exceed; hours in which nothing was seen have none. */
export function usualOf(measures: ReadonlyMap<number, number>, hours: number): number {
  if (hours <= 0) return 0;
  let seen = 0;
  for (const count of measures.values()) seen += count;
  let place = Math.ceil(Math.max(hours, seen) * USUAL_QUANTILE) - Math.max(0, hours - seen);
  if (place <= 0) return 0;
  for (const [measure, count] of [...measures].sort(([one], [other]) => one - other)) {
    place -= count;
    if (place <= 0) return measure;
  }
  return 0;
}
