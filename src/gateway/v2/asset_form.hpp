#pragma once
// One upload of API v2 on its way from the socket to its folder: texts first, then the file, which goes to disk and through the hash as it
// arrives. Everything here blocks: to be called on the pool.

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/blake3.hpp"
#include "gateway/multipart.hpp"
#include "storage/part_file.hpp"

namespace darkroom::v2 {

class AssetForm final : public FormSink {
 public:
  /// `folder`: where files of assets are kept; made when a file comes.
  explicit AssetForm(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void begin(const FormPart& part) override;
  void data(std::string_view bytes) override;
  void end() override;

  const std::string& text(const std::string& name) const;  ///< "" when the form has none of that name
  bool has_file() const { return file_ != nullptr; }
  PartFile& file() { return *file_; }
  const std::string& filename() const { return filename_; }  ///< of the file part
  std::string hash() const { return "blake3:" + hash_.hex(); }
  std::int64_t size() const { return size_; }

 private:
  const std::filesystem::path folder_;
  std::map<std::string, std::string> texts_;
  std::unique_ptr<PartFile> file_;
  std::string filename_;
  Blake3 hash_;
  std::int64_t size_ = 0;
  bool in_file_ = false;
  std::string* open_text_ = nullptr;
};

/// The last part of a name that a client gave, such that it can be shown and be a file's: no folders, no control characters, 200 bytes at
/// most.
std::string plain_name(std::string_view given);
/// ".png": the ending of a plain name, in lower case and short, or "".
std::string plain_ending(std::string_view name);

}  // namespace darkroom::v2
