#pragma once
// Ids of results. Uploads have random ids and rows in the database; a result's id says itself where its file lies in the rooms of the user
// who asks, so that results need no rows and are known for as long as their files are there.

#include <optional>
#include <string>
#include <string_view>

namespace darkroom::v2 {

struct ResultFile {
  std::string type;       ///< output, temp or input
  std::string subfolder;  ///< "" for none
  std::string filename;
  std::string job_id;  ///< of the job that made it
  bool operator==(const ResultFile&) const = default;
};

std::string id_of(const ResultFile& file);
/// Nothing for a text that is no id of a result. The names in it are the client's: resolve them like any other.
std::optional<ResultFile> result_of(std::string_view id);

}  // namespace darkroom::v2
