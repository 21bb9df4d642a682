#include "restoration/facts.hpp"

#include "base/percent.hpp"
#include "restoration/message.hpp"

namespace darkroom::restoration {
namespace {

json::object file_json(const PictureFile& file) {
  return {{"name", file.name}, {"folder", file.folder}, {"width", file.width}, {"height", file.height}, {"bytes", file.bytes}};
}

PictureFile file_of(const json::object& kept, std::string_view key) {
  const auto* file = find_object(kept, key);
  if (!file) return {};
  return {string_or(*file, "name", ""), string_or(*file, "folder", ""), int_or(*file, "width", 0), int_or(*file, "height", 0), int_or(*file, "bytes", 0)};
}

json::object object_of(const json::object& kept, std::string_view key) {
  const auto* object = find_object(kept, key);
  return object ? *object : json::object{};
}

json::value or_null(std::int64_t number) { return number == 0 ? json::value() : json::value(number); }
json::value or_null(const std::string& text) { return text.empty() ? json::value() : json::value(text); }

}  // namespace

json::object Facts::to_json() const {
  return {{"state", state},     {"own", own},         {"client_name", client_name},       {"save_node", save_node},
          {"model", model},     {"options", options}, {"original", file_json(original)},  {"result", file_json(result)},
          {"created", created}, {"started", started}, {"ended", ended},                   {"seq", seq},
          {"last", last},       {"progress", progress}, {"id", id},                       {"owner", owner}};
}

Facts Facts::from_json(const json::object& kept) {
  Facts facts;
  facts.id = string_or(kept, "id", "");
  facts.owner = string_or(kept, "owner", "local");
  facts.state = string_or(kept, "state", "error");
  facts.own = bool_or(kept, "own", false);
  facts.client_name = string_or(kept, "client_name", "");
  facts.save_node = string_or(kept, "save_node", "");
  facts.model = string_or(kept, "model", "");
  facts.options = object_of(kept, "options");
  facts.original = file_of(kept, "original");
  facts.result = file_of(kept, "result");
  facts.created = int_or(kept, "created", 0);
  facts.started = int_or(kept, "started", 0);
  facts.ended = int_or(kept, "ended", 0);
  facts.seq = int_or(kept, "seq", 0);
  facts.last = object_of(kept, "last");
  facts.progress = number_or(kept, "progress", 0);
  return facts;
}

json::object Facts::view(Language language, std::int64_t position, bool has_preview, std::int64_t expires) const {
  const bool failed = last.contains("code");
  const auto copied = [&](std::string_view key) {
    const auto* value = find(last, key);
    return value ? *value : json::value();
  };
  return {{"job_id", id},
          {"state", state},
          {"position", or_null(position)},
          {"stage", copied("stage")},
          {"source", copied("source")},
          {"progress", failed ? json::value(0) : copied("progress")},
          {"message", last.empty() || failed ? json::value() : json::value(words_of(last, language))},
          {"options", own ? json::value(options) : json::value()},
          {"name", or_null(client_name)},
          {"created", created},
          {"started", or_null(started)},
          {"ended", or_null(ended)},
          {"result_url", result.there() ? json::value(url_of_result()) : json::value()},
          {"original_url", original.there() ? json::value(result_url(id, "original")) : json::value()},
          {"preview_url", has_preview ? json::value(result_url(id, "preview") + "?seq=" + std::to_string(seq)) : json::value()},
          {"error", failed ? json::value(words_of(last, language)) : json::value()},
          {"code", failed ? copied("code") : json::value()},
          {"width", or_null(original.width)},
          {"height", or_null(original.height)},
          {"result_width", or_null(result.width)},
          {"result_height", or_null(result.height)},
          {"result_bytes", or_null(result.bytes)},
          {"model", or_null(model)},
          {"seq", seq},
          {"expires", or_null(expires)}};
}

std::string Facts::url_of_result() const {
  const auto dot = result.name.rfind('.');
  return result_url(id, "result" + (dot == std::string::npos ? ".png" : result.name.substr(dot)));
}

std::string result_url(std::string_view id, std::string_view name) { return "/results/" + percent_encode(id) + "/" + std::string(name); }

}  // namespace darkroom::restoration
