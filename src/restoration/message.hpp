#pragma once
// The messages of a restoration (docs/restore-api.md): as they are kept, without words, and as they are sent.

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "restoration/words.hpp"

namespace darkroom::restoration {

/// The stages of the protocol, in their order.
enum class Stage { kUpload, kPreprocess, kLoadModel, kInference, kPostprocess, kComplete };
std::string_view name_of(Stage stage);
/// Stage of a name; kUpload for an unknown one.
Stage stage_of(std::string_view name);

/// A step forward. `say` and `with`: see words().
struct Message {
  Stage stage = Stage::kUpload;
  std::string say;
  json::object with = {};
  double progress = 0;           ///< 0 to 100
  std::string source = {};       ///< of the step at work; "" for none
  json::object extra = {};       ///< further fields, sent as they are: tile, tiles, seconds_left, position, ...
  bool minor = false;            ///< one of many: may be left out when they come too quickly
};

/// As it is kept: {"stage","say","with","progress","source", ...extra}.
json::object kept(const Message& message);
/// The end that is none: {"code","say","with","stage"}.
json::object kept_error(std::string_view code, std::string_view say, json::object with, Stage stage);

/// As it is sent: {"seq","job_id","stage","message","progress","source",...} or {"seq","job_id","error","code","progress":0,"stage"}.
std::string sent(const json::object& kept, std::int64_t seq, std::string_view job_id, Language language);
/// The words of a kept message alone.
std::string words_of(const json::object& kept, Language language);
/// Is it the last of its job: complete or an error?
bool is_end(const json::object& kept);

}  // namespace darkroom::restoration
