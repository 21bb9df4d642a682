#pragma once
// Assets in a workflow: objects `{"__type": "core/ASSET", "info": {"id", ...}}` stand where a node takes the name of a file.

#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace darkroom::v2 {

/// Is it such an object?
bool is_asset(const json::value& value);
/// Its id. Throws Refusal: 422 missing_asset where it has none, 422 invalid_workflow for one that is too long.
std::string asset_id(const json::value& asset);
/// The ids of all in a workflow, in order. Throws as asset_id(), and Refusal for too many.
std::vector<std::string> assets_in(const json::object& workflow);

/// Every asset in `workflow`, in order: calls `found` with its id, and puts what that gives in its place. Returns where they were, for
/// restore_assets(): [[key, ..., asset], ...].
json::array replace_assets(json::object& workflow, const std::function<std::string(const std::string& id)>& found);
/// Puts them back.
void restore_assets(json::object& workflow, const json::array& places);

}  // namespace darkroom::v2
