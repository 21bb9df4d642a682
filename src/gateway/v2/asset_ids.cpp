#include "gateway/v2/asset_ids.hpp"

#include "base/text.hpp"
#include "identity/base64url.hpp"

namespace darkroom::v2 {
namespace {
constexpr std::string_view kMark = "r_";
constexpr char kBetween = '\x1f';  ///< no file name that a client may give has it
}  // namespace

std::string id_of(const ResultFile& file) {
  std::string text = file.type;
  for (const std::string* part : {&file.subfolder, &file.filename, &file.job_id}) (text += kBetween) += *part;
  return std::string(kMark) + base64url(text);
}

std::optional<ResultFile> result_of(std::string_view id) {
  if (!id.starts_with(kMark)) return std::nullopt;
  const auto text = base64url_decode(id.substr(kMark.size()));
  if (!text) return std::nullopt;
  const auto parts = split(*text, kBetween);
  if (parts.size() != 4) return std::nullopt;
  return ResultFile{.type = std::string(parts[0]),
                    .subfolder = std::string(parts[1]),
                    .filename = std::string(parts[2]),
                    .job_id = std::string(parts[3])};
}

}  // namespace darkroom::v2
