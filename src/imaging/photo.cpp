#include "imaging/photo.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.hpp"
#include "imaging/exif_gps.hpp"
#include "imaging/tiff_exif.hpp"
#include "imaging/vips_image.hpp"

namespace darkroom::imaging {
namespace {

constexpr int kCompression = 4;

[[noreturn]] void broken(std::string_view name, const std::string& why) {
  throw InvalidInput("cannot read image file '" + std::string(name) + "': " + why);
}

/// What an operation made; by reference, since the operation sets it while the arguments are evaluated.
VipsRef step(int failed, VipsImage*& made, std::string_view name) {
  if (failed != 0) broken(name, vips_fault());
  return VipsRef(made);
}

bool is_deep(VipsImage* image) {
  const VipsBandFormat format = vips_image_get_format(image);
  return format != VIPS_FORMAT_UCHAR && format != VIPS_FORMAT_CHAR;
}

/// To sRGB of 8 or 16 bits: by the profile that the file brings, else by what its samples are said to be.
VipsRef to_srgb(VipsRef image, bool deep, std::string_view name) {
  VipsImage* out = nullptr;
  if (vips_image_get_typeof(image.get(), VIPS_META_ICC_NAME)) {
    if (vips_icc_transform(image.get(), &out, "srgb", "embedded", TRUE, "depth", deep ? 16 : 8, "intent", VIPS_INTENT_RELATIVE, nullptr) == 0) return VipsRef(out);
    vips_error_clear();  // a damaged profile, or one of another colour space: as if there were none
    out = nullptr;
  }
  return step(vips_colourspace(image.get(), &out, deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB, nullptr), out, name);
}

void* keep_exif(VipsImage* image, const char* field, GValue*, void* to) {
  const std::string_view key = field;
  if (!key.starts_with("exif-ifd")) return nullptr;
  const char* value = nullptr;
  if (vips_image_get_string(image, field, &value) == 0 && value) static_cast<PhotoMetadata*>(to)->exif_fields.emplace_back(key, value);
  return nullptr;
}

void take_exif(VipsImage* image, PhotoMetadata& metadata) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (vips_image_get_typeof(image, VIPS_META_EXIF_NAME) && vips_image_get_blob(image, VIPS_META_EXIF_NAME, &data, &size) == 0)
    metadata.exif.assign(static_cast<const char*>(data), size);
  vips_image_map(image, keep_exif, &metadata);
  vips_error_clear();
}

/// A JPEG of one black pixel with this EXIF block, for libvips to read the block. Null when it can't.
VipsRef carrier_of(const std::string& exif) {
  VipsImage* made = nullptr;
  if (vips_black(&made, 1, 1, nullptr) != 0) return nullptr;
  const VipsRef black(made);
  void* bytes = nullptr;
  std::size_t size = 0;
  if (vips_jpegsave_buffer(black.get(), &bytes, &size, nullptr) != 0) return nullptr;
  const std::unique_ptr<void, decltype(&g_free)> memory(bytes, &g_free);
  std::string jpeg(static_cast<const char*>(bytes), size);
  const std::size_t length = exif.size() + 2;
  jpeg.insert(2, std::string("\xff\xe1") + static_cast<char>(length >> 8) + static_cast<char>(length & 0xff) + exif);
  // It is decoded at once, since its bytes go.
  VipsRef lazy(vips_image_new_from_buffer(jpeg.data(), jpeg.size(), "", nullptr));
  return VipsRef(lazy ? vips_image_copy_memory(lazy.get()) : nullptr);
}

PhotoMetadata metadata_of(VipsImage* image, std::string_view bytes, bool deep) {
  PhotoMetadata metadata;
  metadata.depth = deep ? 16 : 8;
  take_exif(image, metadata);
  if (!metadata.exif.empty()) return metadata;
  if (const std::string exif = exif_of_tiff(bytes); !exif.empty()) {
    if (const VipsRef carrier = carrier_of(exif)) take_exif(carrier.get(), metadata);
    vips_error_clear();
  }
  return metadata;
}

template <class Sample>
void take_samples(Photo& photo, const Sample* data, int bands, float full) {
  const std::size_t pixels = static_cast<std::size_t>(photo.width) * photo.height;
  photo.rgb.resize(pixels * 3);
  if (bands == 4) photo.alpha.resize(pixels);
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) photo.rgb[3 * i + c] = static_cast<float>(data[i * bands + c]) / full;
    if (bands == 4) photo.alpha[i] = static_cast<float>(data[i * bands + 3]) / full;
  }
}

/// Fields of a result's EXIF: all but where the camera stood, the small picture and how it was held.
bool goes_along(std::string_view field, bool keep_gps) {
  if (field.starts_with("exif-ifd1-")) return false;
  if (field.ends_with("-Orientation")) return false;
  const bool gps = field.starts_with("exif-ifd3-") || field.find("GPS") != std::string_view::npos;
  return keep_gps || !gps;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out;
}

/// IPTC's terms for how a picture came to be (Digital Source Type).
std::string xmp_of(const PhotoWriting& writing) {
  const std::string kind = writing.ai_colors ? "compositeWithTrainedAlgorithmicMedia" : "algorithmicallyEnhanced";
  std::string words = writing.ai_colors ? "Restored photograph. Its colours were made by a neural network" : "Restored photograph";
  if (writing.ai_colors && !writing.made_by.empty()) words += " (" + escaped(writing.made_by) + ")";
  return "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
         "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
         "<rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" "
         "xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" xmp:CreatorTool=\"Darkroom\" "
         "Iptc4xmpExt:DigitalSourceType=\"http://cv.iptc.org/newscodes/digitalsourcetype/" + kind + "\">"
         "<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">" + words + ".</rdf:li></rdf:Alt></dc:description>"
         "</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>";
}

/// The EXIF block without what does not go along. libvips brings a block into line with the fields of its image when it writes a JPEG, so one of a
/// single pixel does the work. Empty when nothing can be made of the block, or over the 64 KiB of a JPEG.
std::string filtered_exif(const PhotoMetadata& metadata, bool keep_gps) {
  VipsImage* made = nullptr;
  if (metadata.exif.empty() || vips_black(&made, 1, 1, nullptr) != 0) return {};
  const VipsRef black(made);
  VipsImage* copy = nullptr;
  if (vips_copy(black.get(), &copy, nullptr) != 0) return {};
  const VipsRef pixel(copy);
  vips_image_set_blob_copy(pixel.get(), VIPS_META_EXIF_NAME, metadata.exif.data(), metadata.exif.size());
  vips_image_set_int(pixel.get(), VIPS_META_ORIENTATION, 1);
  for (const auto& [field, value] : metadata.exif_fields)
    if (goes_along(field, keep_gps)) vips_image_set_string(pixel.get(), field.c_str(), value.c_str());
  void* bytes = nullptr;
  std::size_t size = 0;
  if (vips_jpegsave_buffer(pixel.get(), &bytes, &size, nullptr) != 0) {
    vips_error_clear();
    return {};
  }
  const std::unique_ptr<void, decltype(&g_free)> memory(bytes, &g_free);
  const VipsRef jpeg(vips_image_new_from_buffer(bytes, size, "", nullptr));
  const void* block = nullptr;
  std::size_t length = 0;
  if (!jpeg || !vips_image_get_typeof(jpeg.get(), VIPS_META_EXIF_NAME) || vips_image_get_blob(jpeg.get(), VIPS_META_EXIF_NAME, &block, &length) != 0) {
    vips_error_clear();
    return {};
  }
  std::string kept(static_cast<const char*>(block), length);
  return keep_gps ? kept : without_gps(std::move(kept));  // libvips leaves that directory alone
}

void describe(VipsImage* image, const PhotoMetadata& metadata, const PhotoWriting& writing) {
  if (const std::string exif = filtered_exif(metadata, writing.keep_gps); !exif.empty())
    vips_image_set_blob_copy(image, VIPS_META_EXIF_NAME, exif.data(), exif.size());
  const std::string xmp = xmp_of(writing);
  vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, xmp.data(), xmp.size());
  VipsBlob* profile = nullptr;
  if (vips_profile_load("srgb", &profile, nullptr) != 0 || !profile) throw InternalError("the sRGB profile is missing: " + vips_fault());
  std::size_t size = 0;
  const void* data = vips_blob_get(profile, &size);
  vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, data, size);
  vips_area_unref(VIPS_AREA(profile));
}

template <class Sample>
std::vector<Sample> quantized(const float* samples, std::size_t count, float full) {
  std::vector<Sample> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    const float value = samples[i] * full + 0.5f;
    out[i] = value >= full ? static_cast<Sample>(full) : value > 0 ? static_cast<Sample>(value) : Sample{0};  // NaN becomes 0
  }
  return out;
}

}  // namespace

Photo read_photo(std::string_view bytes, std::string_view name, const DecodeLimits& limits) {
  // BMP and animations have neither profile nor depth: the reader of every other picture does.
  const bool plain = bytes.starts_with("BM") || bytes.starts_with("GIF8");
  start_vips();
  vips_error_clear();
  const char* loader = plain || bytes.empty() ? nullptr : vips_foreign_find_load_buffer(bytes.data(), bytes.size());
  if (!loader || !is_picture_loader(loader)) {
    const Picture picture = decode(bytes, name, limits);
    Photo photo{.width = picture.width, .height = picture.height};
    const std::size_t pixels = static_cast<std::size_t>(photo.width) * photo.height;
    photo.rgb.resize(pixels * 3);
    for (std::size_t i = 0; i < photo.rgb.size(); ++i) photo.rgb[i] = static_cast<float>(picture.rgb[i]) / 255;
    if (picture.alpha) {
      photo.alpha.resize(pixels);
      for (std::size_t i = 0; i < pixels; ++i) photo.alpha[i] = static_cast<float>((*picture.alpha)[i]) / 255;
    }
    return photo;
  }
  const VipsFailOn fail_on = is_cut_short(bytes) ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_ERROR;
  VipsRef image(vips_image_new_from_buffer(bytes.data(), bytes.size(), "", "fail_on", fail_on, nullptr));
  if (!image) broken(name, vips_fault());
  const std::int64_t size = std::int64_t{vips_image_get_width(image.get())} * vips_image_get_height(image.get());
  if (size > limits.max_pixels) throw TooLarge("image file '" + std::string(name) + "' has over " + std::to_string(limits.max_pixels / 1'000'000) + " megapixels");

  const bool deep = is_deep(image.get());
  Photo photo;
  photo.metadata = metadata_of(image.get(), bytes, deep);
  VipsImage* out = nullptr;
  if (vips_image_get_orientation(image.get()) > 1) image = step(vips_autorot(image.get(), &out, nullptr), out, name);
  image = to_srgb(std::move(image), deep, name);
  image = step(deep ? vips_cast_ushort(image.get(), &out, nullptr) : vips_cast_uchar(image.get(), &out, nullptr), out, name);
  const int bands = vips_image_get_bands(image.get());
  if (bands > 4) image = step(vips_extract_band(image.get(), &out, 0, "n", 4, nullptr), out, name);
  if (bands < 3) broken(name, std::to_string(bands) + " channels");

  const Stopwatch time(image.get(), limits.max_seconds);
  std::size_t length = 0;
  const std::unique_ptr<void, decltype(&g_free)> memory(vips_image_write_to_memory(image.get(), &length), &g_free);
  if (!memory && time.is_over()) throw TooLarge("image file '" + std::string(name) + "' takes longer than " + std::to_string(limits.max_seconds) + " s to decode");
  if (!memory) broken(name, vips_fault());
  photo.width = vips_image_get_width(image.get());
  photo.height = vips_image_get_height(image.get());
  if (deep) take_samples(photo, static_cast<const std::uint16_t*>(memory.get()), std::min(bands, 4), 65535);
  else take_samples(photo, static_cast<const std::uint8_t*>(memory.get()), std::min(bands, 4), 255);
  return photo;
}

std::string write_photo(const float* samples, int width, int height, int channels, const PhotoMetadata& metadata, const PhotoWriting& writing) {
  if (channels != 3 && channels != 4) throw InvalidInput("a photo has 3 channels, or 4 with alpha");
  start_vips();
  const std::size_t count = static_cast<std::size_t>(width) * height * channels;
  const bool deep = metadata.depth == 16;
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint16_t> words;
  if (deep) words = quantized<std::uint16_t>(samples, count, 65535);
  else bytes = quantized<std::uint8_t>(samples, count, 255);
  const void* data = deep ? static_cast<const void*>(words.data()) : bytes.data();
  VipsRef view(vips_image_new_from_memory(data, count * (deep ? 2 : 1), width, height, channels, deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR));
  if (!view) throw InternalError("the result can't be written: " + vips_fault());
  VipsImage* made = nullptr;
  if (vips_copy(view.get(), &made, "interpretation", deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB, nullptr) != 0)
    throw InternalError("the result can't be written: " + vips_fault());
  const VipsRef image(made);
  describe(image.get(), metadata, writing);
  void* out = nullptr;
  std::size_t size = 0;
  if (vips_pngsave_buffer(image.get(), &out, &size, "compression", kCompression, nullptr) != 0) throw InternalError("the result can't be written: " + vips_fault());
  const std::unique_ptr<void, decltype(&g_free)> memory(out, &g_free);
  return {static_cast<const char*>(out), size};
}

}  // namespace darkroom::imaging
