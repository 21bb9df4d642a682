#include "cli/known_models.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: a list of models for `darkroom models`, bytes. Beyond: exit status 2. Fixed: an entry has a few hundred bytes. Edge:
/// KnownModels.AListHasALimit.
constexpr std::uintmax_t kMaxListBytes = 1u << 20;

[[noreturn]] void fail(const fs::path& file, const YAML::Mark& mark, const std::string& text) {
  throw InvalidInput(fmt::format("{}:{}: {}", file.string(), mark.is_null() ? 1 : mark.line + 1, text));
}

class Entry {
 public:
  Entry(const fs::path& file, const std::string& name, const YAML::Node& node) : file_(file), name_(name), node_(node) {
    if (!node.IsMap()) fail(file, node.Mark(), name + " must hold keys");
    static const std::vector<std::string> kKeys = {"description", "url", "folder", "file", "licence", "licence_url", "accept", "size", "sha256", "source"};
    for (const auto& item : node)
      if (const std::string key = item.first.Scalar(); std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end())
        fail(file, item.first.Mark(), name + ": no such key: " + key);
  }

  std::string text(const char* key, bool needed = false) const {
    const YAML::Node value = node_[key];
    if (!value || value.IsNull()) {
      if (needed) fail(file_, node_.Mark(), name_ + " lacks " + key);
      return "";
    }
    if (!value.IsScalar()) fail(file_, value.Mark(), name_ + ": " + key + " must be a text");
    return std::string(trim(value.Scalar()));
  }

  template <class T>
  std::optional<T> value(const char* key, const char* kind) const {
    const YAML::Node node = node_[key];
    if (!node || node.IsNull()) return std::nullopt;
    T value{};
    if (!YAML::convert<T>::decode(node, value)) fail(file_, node.Mark(), name_ + ": " + key + " must be " + kind);
    return value;
  }

  void refuse(const char* key, const std::string& text) const { fail(file_, node_[key].Mark(), name_ + ": " + text); }

 private:
  const fs::path& file_;
  const std::string& name_;
  const YAML::Node node_;
};

KnownModel read_entry(const fs::path& file, const std::string& name, const YAML::Node& node) {
  const Entry entry(file, name, node);
  KnownModel model;
  model.name = name;
  model.description = entry.text("description");
  model.url = entry.text("url", true);
  model.folder = entry.text("folder", true);
  model.file = entry.text("file", true);
  model.licence = entry.text("licence", true);
  model.licence_url = entry.text("licence_url");
  model.must_accept = entry.value<bool>("accept", "true or false").value_or(false);
  model.size = entry.value<std::uint64_t>("size", "a number of bytes");
  model.sha256 = lower(entry.text("sha256"));
  model.source = entry.text("source");
  if (!model.sha256.empty() && (model.sha256.size() != 64 || model.sha256.find_first_not_of("0123456789abcdef") != std::string::npos))
    entry.refuse("sha256", "sha256 must have 64 hexadecimal digits");
  if (model.sha256.empty() != model.source.empty()) fail(file, node.Mark(), name + ": a sha256 comes with its source, and neither without the other");
  return model;
}

}  // namespace

void KnownModels::add_file(const fs::path& file) {
  std::error_code failure;
  const auto size = fs::file_size(file, failure);
  if (failure) throw InvalidInput(fmt::format("{} can't be read: {}", file.string(), failure.message()));
  if (size > kMaxListBytes) throw InvalidInput(file.string() + " is over 1 MiB");
  try {
    std::ifstream stream(file);
    const YAML::Node document = YAML::Load(stream);
    if (document.IsNull()) return;
    if (!document.IsMap()) fail(file, document.Mark(), "expected `NAME:` with keys below");
    for (const auto& item : document) {
      KnownModel model = read_entry(file, item.first.Scalar(), item.second);
      const auto old = std::find_if(models_.begin(), models_.end(), [&](const KnownModel& other) { return other.name == model.name; });
      if (old == models_.end()) models_.push_back(std::move(model));
      else *old = std::move(model);
    }
  } catch (const YAML::Exception& fault) {
    fail(file, fault.mark, fault.msg);
  }
}

const KnownModel* KnownModels::find(std::string_view name) const {
  const auto at = std::find_if(models_.begin(), models_.end(), [&](const KnownModel& model) { return model.name == name; });
  return at == models_.end() ? nullptr : &*at;
}

}  // namespace darkroom
