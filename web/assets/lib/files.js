// Names of files and how they are handed to the visitor.

const stem = name => name.replace(/\.[^.]+$/, "") || "photo";

const ending = format => (format === "jpeg" ? "jpg" : format);

/** What a result is saved as. */
export const resultName = (photo, format) => `${stem(photo.name)} restored.${ending(format)}`;

/** What before and after in one picture are saved as. */
export const besideName = (photo, format) => `${stem(photo.name)} before and after.${ending(format)}`;

export const isTiff = photo => /\.tiff?$/i.test(photo.name ?? "") || photo.file?.type === "image/tiff";

/** Starts a download without leaving the page. */
export function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
}

const hex = byte => byte.toString(16).padStart(2, "0");

/** crypto.randomUUID is missing where the page came over plain http from another machine. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return [...bytes].map(hex).join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
