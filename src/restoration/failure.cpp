#include "restoration/failure.hpp"

#include "base/text.hpp"
#include "restoration/classes.hpp"

namespace darkroom::restoration {
namespace {

bool contains(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

}  // namespace

FailureWords failure_of(const json::object& error, Stage stage) {
  const std::string type = string_or(error, "exception_type", "");
  const std::string why(trim(string_or(error, "exception_message", "unknown error")));
  const Role role = part_of(string_or(error, "node_type", "")).role;
  std::string code = "failed";
  if (type == "WorkerLost") code = "worker_lost";
  else if (contains(type, "Memory") || contains(lower(why), "out of memory")) code = "out_of_memory";
  else if (role == Role::kLoadPhoto) code = "bad_image";
  else if (role == Role::kLoadModel || stage == Stage::kLoadModel) code = type == "FileNotFoundError" ? "model_missing" : "model_failed";
  else if (type == "FileNotFoundError" && role == Role::kStep) code = "model_missing";
  if (code == "model_missing") return {code, code, {{"which", " (" + why + ")"}}};
  return {code, code, {{"why", why}}};
}

}  // namespace darkroom::restoration
