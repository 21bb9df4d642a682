// A note of the system when a held photo starts. Only where the visitor switched it on and the browser allows it.
import { t } from "./strings.js";

export const canNotify = () => "Notification" in window && window.isSecureContext && Notification.permission !== "denied";

/** Asks the visitor; true when notes may be shown. */
export const askToNotify = async () => (await Notification.requestPermission()) === "granted";

export function tellThatItStarts(photo) {
  if (!canNotify() || Notification.permission !== "granted") return;
  new Notification(t("Darkroom has a place"), { body: t("{file} is on its way.", { file: photo.name }) });
}
