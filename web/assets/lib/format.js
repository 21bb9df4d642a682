// Figures as people read them.
import { t } from "./strings.js";

const kMegabyte = 1024 * 1024;
const kGigabyte = 1024 * kMegabyte;

const trimmed = (value, digits) => String(Number(value.toFixed(digits)));

export const bytes = n => (n >= kGigabyte ? t("{n} GB", { n: gigabytes(n) })
  : t("{n} MB", { n: n >= 10 * kMegabyte ? Math.round(n / kMegabyte) : Math.max(0.1, Number((n / kMegabyte).toFixed(1))) }));
export const gigabytes = n => trimmed(n / kGigabyte, n < kGigabyte / 10 ? 2 : 1);
export const megapixels = n => ({ n: trimmed(n / 1e6, 1), wan: trimmed(n / 1e4, 0) });
export const size = (width, height) => t("{w} × {h} px", { w: width, h: height });
export const percent = n => t("{n} %", { n: Math.round(n) });

export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t("{n} s", { n: s });
  return t("{min} min {s} s", { min: Math.floor(s / 60), s: s % 60 });
}

/** Below this a range is finer than what is known. */
const kNearlyDone = 20;
/** A range narrower than this would promise more than an estimate can keep. */
const kNarrowest = 1.5;

/**
 * Time left as a range, `{range: "2–4 min"}`; `{words}` where a range would say too much; null when nothing is known.
 * @param seconds [low, high] or null
 */
export function timeLeft(seconds) {
  if (!Array.isArray(seconds) || !(seconds[1] >= 0)) return null;
  let [low, high] = seconds;
  if (high < kNearlyDone) return { words: t("Nearly done") };
  high = Math.max(high, low * kNarrowest);
  if (high <= 90) {
    const round = n => Math.max(10, Math.round(n / 10) * 10);
    const [from, to] = [round(low), Math.max(round(high), round(low) + 10)];
    return { range: t("{from}–{to} s", { from, to }) };
  }
  const from = Math.max(1, Math.floor(low / 60));
  const to = Math.max(Math.ceil(high / 60), from + 1);
  return { range: t("{from}–{to} min", { from, to }) };
}

export const hoursUntil = (end, now = Date.now()) => Math.max(0, Math.round((end - now) / 3_600_000));
