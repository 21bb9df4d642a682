#include "gateway/features.hpp"

#include "gateway/options.hpp"

namespace darkroom {

json::object features(const Options& options) {
  const double bytes = options.max_upload_mb * 1024 * 1024;
  const json::value limit = options.max_upload_given ? json::value(bytes) : json::value(static_cast<std::int64_t>(bytes));
  return {{"supports_preview_metadata", true},
          {"max_upload_size", limit},
          {"extension", json::object{{"manager", json::object{{"supports_v4", true}}}}}};
}

}  // namespace darkroom
