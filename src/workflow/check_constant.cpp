#include "workflow/check_constant.hpp"

#include <algorithm>

#include "workflow/types_meet.hpp"
#include "workflow/validation_errors.hpp"

namespace darkroom {
namespace {

/// Is there a list to check against? One that the editor fetches (`remote`) or fills by itself (a fixed list without an entry)
/// is not known here, and any value passes. A file list may be empty, and then none does.
bool has_list(const InputSpec& input) { return input.is_choice() && (input.source.kind != ListSource::Kind::kFixed || !input.choices.empty()); }

bool multiselect(const InputSpec& input) {
  const auto* old_key = input.options.if_contains("multi_select");
  return bool_or(input.options, "multiselect", false) || (old_key && truthy(*old_key));
}

bool contains(const json::array& choices, const json::value& value) {
  return std::any_of(choices.begin(), choices.end(), [&](const json::value& choice) { return python_equal(choice, value); });
}

bool in_list(const InputSpec& input, const json::value& value, const json::array& choices) {
  if (const auto* picked = value.if_array(); picked && multiselect(input))
    return std::all_of(picked->begin(), picked->end(), [&](const json::value& item) { return contains(choices, item); });
  return contains(choices, value);
}

/// Python's `<` on numbers; false when either is none (a NaN compares false too).
bool less(const json::value& a, const json::value& b) {
  const auto real = [](const json::value& value) -> long double {
    if (value.is_int64()) return value.get_int64();
    if (value.is_uint64()) return value.get_uint64();
    return value.get_double();
  };
  return a.is_number() && b.is_number() && real(a) < real(b);
}

}  // namespace

const json::array& ChoiceCache::known(const ListSource& source) {
  const auto [at, is_new] = known_.try_emplace({source.kind, source.argument});
  if (is_new) {
    for (const auto& name : lists_.list(source)) at->second.emplace_back(name);
  }
  return at->second;
}

std::vector<std::string> ChoiceCache::list(const ListSource& source) {
  std::vector<std::string> names;
  for (const auto& name : known(source)) names.emplace_back(name.get_string());
  return names;
}

const json::array& ChoiceCache::choices(const InputSpec& input) {
  return input.source.kind == ListSource::Kind::kFixed ? input.choices : known(input.source);
}

json::value input_config(const InputSpec& input, ChoiceCache& lists) {
  json::array config = NodeSchema::spec_json(input, lists);
  if (config.size() < 2) config.push_back(json::object{});
  return config;
}

std::optional<json::object> check_constant(const InputSpec& input, const json::value& value, ChoiceCache& lists) {
  using validation::InputFault;
  if (const auto* min = input.options.if_contains("min"); min && less(value, *min))
    return validation::smaller_than_min(InputFault{input.name, input_config(input, lists)}, value, *min);
  if (const auto* max = input.options.if_contains("max"); max && less(*max, value))
    return validation::bigger_than_max(InputFault{input.name, input_config(input, lists)}, value, *max);
  if (has_list(input)) {
    const json::array& choices = lists.choices(input);
    const bool other_name = value.is_string() && lists.accepts_unlisted(input.source, value.get_string());
    if (!other_name && !in_list(input, value, choices)) return validation::not_in_list(InputFault{input.name, input_config(input, lists)}, value, choices);
  }
  return std::nullopt;
}

}  // namespace darkroom
