// Moves the clock of the program that loads this first: by so many milliseconds as SHIFT_CLOCK_MS says.
const shiftMs = Number(process.env.SHIFT_CLOCK_MS ?? 0);
const now = Date.now.bind(Date);
const RealDate = Date;
globalThis.Date = class ShiftedDate extends RealDate {
  constructor(...words) {
    super(...(words.length === 0 ? [now() + shiftMs] : words));
  }
  static now() {
    return now() + shiftMs;
  }
};
