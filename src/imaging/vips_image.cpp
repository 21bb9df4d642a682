#include "imaging/vips_image.hpp"

#include <algorithm>
#include <array>
#include <mutex>

#include "base/error.hpp"

namespace darkroom::imaging {

void start_vips() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (VIPS_INIT("darkroom") != 0) throw InternalError("libvips does not start: " + vips_fault());
    // Its warnings describe what senders of files did wrong; faults come back as errors of the call.
    g_log_set_handler("VIPS", static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK | G_LOG_FLAG_FATAL | G_LOG_FLAG_RECURSION), [](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
    vips_block_untrusted_set(TRUE);
    vips_cache_set_max(0);  // no operation is asked for twice
    vips_concurrency_set(2);
  });
}

bool is_picture_loader(std::string_view loader) {
  static constexpr std::array kLoaders{"VipsForeignLoadPng", "VipsForeignLoadJpeg", "VipsForeignLoadWebp",
                                       "VipsForeignLoadNsgif", "VipsForeignLoadTiff", "VipsForeignLoadHeif"};
  return std::any_of(kLoaders.begin(), kLoaders.end(), [&](std::string_view known) { return loader.starts_with(known); });
}

bool is_cut_short(std::string_view bytes) {
  const std::string_view tail = bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), 1024));
  if (bytes.starts_with("\x89PNG")) return tail.find("IEND") == std::string_view::npos;
  if (bytes.starts_with("\xff\xd8")) return tail.find("\xff\xd9") == std::string_view::npos;
  return false;
}

std::string vips_fault() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
  return text;
}

Stopwatch::Stopwatch(VipsImage* image, int seconds) : end_(std::chrono::steady_clock::now() + std::chrono::seconds(seconds)) {
  vips_image_set_progress(image, TRUE);
  g_signal_connect(image, "eval", G_CALLBACK(look), this);
}

void Stopwatch::look(VipsImage* image, VipsProgress*, Stopwatch* watch) {
  if (std::chrono::steady_clock::now() < watch->end_) return;
  watch->over_ = true;
  vips_image_set_kill(image, TRUE);
}

}  // namespace darkroom::imaging
