#include "gateway/history_entry.hpp"

#include <algorithm>

namespace darkroom {

JobEnd end_of(const json::object& entry) {
  const auto* status = find_object(entry, "status");
  if (!status || string_or(*status, "status_str", "") == "success") return {};
  if (const auto* messages = find_array(*status, "messages"))
    for (const auto& item : *messages)
      if (const auto* pair = item.if_array(); pair && pair->size() == 2 && (*pair)[0] == "execution_error" && (*pair)[1].is_object())
        return {JobEnd::Kind::kFailed, string_or((*pair)[1].get_object(), "exception_message", "a node failed")};
  return {JobEnd::Kind::kInterrupted, "it was interrupted"};
}

std::vector<NamedFile> pictures_of(const json::object& entry) {
  std::vector<NamedFile> all;
  if (const auto* outputs = find_object(entry, "outputs"))
    for (const auto& item : *outputs) {
      const auto* output = item.value().if_object();
      const auto* images = output ? find_array(*output, "images") : nullptr;
      if (!images) continue;
      for (const auto& image : *images)
        if (const auto* file = image.if_object())
          all.push_back({string_or(*file, "filename", ""), string_or(*file, "subfolder", ""), string_or(*file, "type", "output")});
    }
  const auto is_kept = [](const NamedFile& file) { return file.type == "output"; };
  if (std::ranges::any_of(all, is_kept)) std::erase_if(all, [&](const NamedFile& file) { return !is_kept(file); });
  return all;
}

}  // namespace darkroom
