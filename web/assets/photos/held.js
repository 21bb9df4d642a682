// Why the server does not take a photo for now, in words. It is sent by itself later.
import { locale, many, t } from "../lib/strings.js";

const kMinute = 60_000;  // ms: for less no time of day is worth telling

/** A time of day that is not too early: the minute after the try. Null when it is tried soon. */
function timeOf(retryAt) {
  if (!retryAt || retryAt - Date.now() < kMinute) return null;
  return new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit" }).format(Math.ceil(retryAt / kMinute) * kMinute);
}

function tryAgain(retryAt) {
  const time = timeOf(retryAt);
  return time ? t("It is tried again at {time}.", { time }) : t("It is tried again every few seconds.");
}

function fullWords(info) {
  if (!info?.limits?.waiting) return t("All places are taken.");
  return many(info.running ?? 0, "{n} photo is running and all {places} waiting places are taken.",
    "{n} photos are running and all {places} waiting places are taken.", { places: info.limits.waiting });
}

const kReasons = {
  too_many: ({ retryAt }) => {
    const time = timeOf(retryAt);
    return {
      state: t("Share used up"), detail: time ? t("goes on at {time}", { time }) : t("goes on by itself"),
      title: t("You have had your share for now"), say: t("Everybody may send only so much at a time, so that all get a turn."),
      when: time ? t("It goes on at {time}.", { time }) : t("It goes on in less than a minute."), then: t("The photo is sent by itself as soon as it may be."),
    };
  },
  queue_full: ({ retryAt }, info) => ({
    state: t("Server full"), detail: t("sent when there is room"), title: t("The server is full"), say: fullWords(info), when: tryAgain(retryAt),
    then: t("The photo is sent by itself when a place is free."),
  }),
  unavailable: ({ retryAt }) => ({
    state: t("Server not ready"), detail: t("goes on by itself"), title: t("The server is not ready yet"), say: t("It is starting, or something is missing on it."),
    when: tryAgain(retryAt), then: t("The photo is sent by itself as soon as it may be."),
  }),
};

/** {state, detail} for its frame; {title, say, when, then} for itself. `info`: what the server said of itself last. */
export const heldWords = (photo, info) => (kReasons[photo.heldFor] ?? kReasons.queue_full)(photo, info);
