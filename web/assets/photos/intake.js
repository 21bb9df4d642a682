// Looks at files before they become photos: what can be refused here needs no upload.
import * as format from "../lib/format.js";
import { isTiff } from "../lib/files.js";
import { t } from "../lib/strings.js";

export const kAccepted = "image/jpeg,image/png,image/webp,image/tiff,.tif,.tiff";

const kThumb = 640;  // longer side, pixels: a frame of the sheet on a screen of double density

const isPicture = file => /^image\/(jpeg|png|webp|tiff)$/.test(file.type) || /\.(jpe?g|png|webp|tiff?)$/i.test(file.name ?? "");

/** Why a file is not taken, in words; null when it is. */
export function refusalOf(file, limits) {
  if (!isPicture(file)) return t("Not a picture this server can read. Use JPEG, PNG, WebP or TIFF.");
  if (file.size === 0) return t("The file is empty. Try another copy.");
  if (limits?.bytes && file.size > limits.bytes)
    return t("This file is {size}. The limit is {limit}.", { size: format.bytes(file.size), limit: format.bytes(limits.bytes) });
  return null;
}

export function tooManyPixels({ width, height }, limits) {
  if (!limits?.pixels || !width || width * height <= limits.pixels) return null;
  const [has, most] = [format.megapixels(width * height), format.megapixels(limits.pixels)];
  return t("This photo has {n} megapixels. The limit is {limit}.", { n: has.n, wan: has.wan, limit: most.n, limitWan: most.wan });
}

/** Size and a small picture of a file; an empty object where this browser can't read it (the server may). */
export async function lookAt(photo) {
  if (isTiff(photo)) return {};
  const image = new Image();
  const url = URL.createObjectURL(photo.file);
  try {
    image.src = url;
    await image.decode();
    const { naturalWidth: width, naturalHeight: height } = image;
    return { width, height, thumb: await smallPicture(image, width, height) };
  } catch {
    return {};
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function smallPicture(image, width, height) {
  const scale = kThumb / Math.max(width, height);
  if (scale >= 1) return null;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/webp", 0.85));
  return blob && URL.createObjectURL(blob);
}
