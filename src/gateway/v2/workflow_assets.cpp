#include "gateway/v2/workflow_assets.hpp"

#include <fmt/format.h>

#include "gateway/v2/reply.hpp"

namespace darkroom::v2 {
namespace {

constexpr std::string_view kType = "core/ASSET";
/// Limit: an asset in a workflow as JSON, bytes. Beyond: 422. Fixed: it is kept with the job, to be given back. Edge:
/// WorkflowAssets.OnesThatAreTooLongOrTooManyAreRefused.
constexpr std::size_t kMaxBytes = 4096;
/// Limit: assets in a workflow. Beyond: 422. Fixed: they are kept with the job, to be given back. Edge:
/// WorkflowAssets.OnesThatAreTooLongOrTooManyAreRefused.
constexpr std::size_t kMaxAssets = 256;

void collect(const json::value& value, std::vector<std::string>& ids) {
  if (is_asset(value)) {
    if (ids.size() == kMaxAssets) throw Refusal(422, "invalid_workflow", fmt::format("The workflow has more than {} assets", kMaxAssets));
    ids.push_back(asset_id(value));
  } else if (const auto* object = value.if_object()) {
    for (const auto& [key, item] : *object) collect(item, ids);
  } else if (const auto* list = value.if_array()) {
    for (const auto& item : *list) collect(item, ids);
  }
}

void replace(json::value& value, json::array& path, json::array& places, const std::function<std::string(const std::string&)>& found) {
  if (is_asset(value)) {
    std::string name = found(asset_id(value));
    json::array place = path;
    place.push_back(std::move(value));
    places.push_back(std::move(place));
    value = std::move(name);
    return;
  }
  const auto inside = [&](json::value key, json::value& item) {
    path.push_back(std::move(key));
    replace(item, path, places, found);
    path.pop_back();
  };
  if (auto* object = value.if_object()) {
    for (auto& [key, item] : *object) inside(json::value(key), item);
  } else if (auto* list = value.if_array()) {
    for (std::size_t i = 0; i < list->size(); ++i) inside(static_cast<std::int64_t>(i), (*list)[i]);
  }
}

/// What `key` names in a value; null where nothing is there any more.
json::value* inside(json::value& value, const json::value& key) {
  if (auto* object = value.if_object(); object && key.is_string()) return object->if_contains(key.get_string());
  if (auto* list = value.if_array(); list && key.is_int64()) return list->if_contains(static_cast<std::size_t>(key.get_int64()));
  return nullptr;
}

}  // namespace

bool is_asset(const json::value& value) {
  const auto* object = value.if_object();
  const auto* type = object ? find(*object, "__type") : nullptr;
  return type && type->is_string() && type->get_string() == kType;
}

std::string asset_id(const json::value& asset) {
  const auto* info = find_object(asset.get_object(), "info");
  auto id = info ? find_string(*info, "id") : std::nullopt;
  if (!id || id->empty()) throw Refusal(422, "missing_asset", "An asset of the workflow has no info.id");
  if (dump(asset).size() > kMaxBytes)
    throw Refusal(422, "invalid_workflow", fmt::format("An asset of the workflow is longer than {} bytes", kMaxBytes));
  return std::move(*id);
}

std::vector<std::string> assets_in(const json::object& workflow) {
  std::vector<std::string> ids;
  for (const auto& [key, node] : workflow) collect(node, ids);
  return ids;
}

json::array replace_assets(json::object& workflow, const std::function<std::string(const std::string&)>& found) {
  json::array path, places;
  for (auto& [key, node] : workflow) {
    path.push_back(json::value(key));
    replace(node, path, places, found);
    path.pop_back();
  }
  return places;
}

void restore_assets(json::object& workflow, const json::array& places) {
  for (const json::value& item : places) {
    const auto* place = item.if_array();
    if (!place || place->size() < 2 || !(*place)[0].is_string()) continue;
    json::value* at = workflow.if_contains((*place)[0].get_string());
    for (std::size_t i = 1; at && i + 1 < place->size(); ++i) at = inside(*at, (*place)[i]);
    if (at) *at = place->back();
  }
}

}  // namespace darkroom::v2
