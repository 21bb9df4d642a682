#include "load/job.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"

namespace darkroom::load {

std::string Job::body(const std::string& client_id) const {
  return fmt::format(
      R"({{"client_id":"{}","prompt_id":"{}","prompt":{{)"
      R"("{}":{{"class_type":"PrimitiveInt","inputs":{{"value":{}}}}},"{}":{{"class_type":"PreviewAny","inputs":{{"source":["{}",0]}}}}}}}})",
      client_id, id, kNumberNode, value, kTextNode, kNumberNode);
}

bool Job::has_result(std::string_view history) const {
  try {
    const json::value all = parse_json(history);
    const json::value& entry = all.at(id);
    return entry.at("status").at("status_str") == json::value("success") &&
           entry.at("outputs").at(kTextNode).at("text").at(0) == json::value(std::to_string(value));
  } catch (const std::exception&) {  // not JSON, or a part is missing
    return false;
  }
}

}  // namespace darkroom::load
