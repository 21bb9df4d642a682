#include "imaging/vips_image.hpp"

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

std::string vips_fault() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  if (const auto end = text.find('\n'); end != std::string::npos) text.resize(end);
  return text;
}

}  // namespace darkroom::imaging
