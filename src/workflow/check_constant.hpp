#pragma once
// Range and list checks of one constant against its input (protocol.md §5.3, step 5), and what `input_config` shows.

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "workflow/schema.hpp"

namespace darkroom {

/// The choices of a validation run: each file list is asked for once, however many nodes use it.
class ChoiceCache final : public ChoiceLists {
 public:
  explicit ChoiceCache(ChoiceLists& lists) : lists_(lists) {}
  std::vector<std::string> list(const ListSource& source) override;
  bool file_exists(std::string_view annotated_name) override { return lists_.file_exists(annotated_name); }
  bool accepts_unlisted(const ListSource& source, std::string_view value) override { return lists_.accepts_unlisted(source, value); }
  /// The current choices of an input; valid as long as the cache.
  const json::array& choices(const InputSpec& input);

 private:
  const json::array& known(const ListSource& source);

  ChoiceLists& lists_;
  std::map<std::pair<ListSource::Kind, std::string>, json::array> known_;
};

/// `[type, options]` as in /object_info; the options are always there.
json::value input_config(const InputSpec& input, ChoiceCache& lists);

/// The error of a converted constant that is out of range or not in the list; nothing when it is fine.
std::optional<json::object> check_constant(const InputSpec& input, const json::value& value, ChoiceCache& lists);

}  // namespace darkroom
