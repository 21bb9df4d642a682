#pragma once
// Names of well-known models: `known_models.yaml` of the project and the user's own list over it.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace darkroom {

struct KnownModel {
  std::string name;                   ///< what the user types
  std::string description, url;
  std::string folder, file;           ///< key of /models, and the name of the file there
  std::string licence, licence_url;
  bool must_accept = false;           ///< its terms bind the user: they are asked for, not only shown
  std::optional<std::uint64_t> size;  ///< bytes
  std::string sha256, source;         ///< source: where the sum is published; empty with it
};

class KnownModels {
 public:
  /// Adds the entries of a YAML file; one of a name that is there already replaces it. Throws InvalidInput with the line of a fault.
  void add_file(const std::filesystem::path& file);

  const KnownModel* find(std::string_view name) const;
  const std::vector<KnownModel>& all() const { return models_; }  ///< in the order of the files

 private:
  std::vector<KnownModel> models_;
};

}  // namespace darkroom
