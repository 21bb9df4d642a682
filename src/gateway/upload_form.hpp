#pragma once
// One upload on its way from the socket to its folder (protocol.md §3.7): the form's texts, and its file, which goes to disk
// as it arrives. Everything here blocks: to be called on the pool.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "gateway/multipart.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"

namespace darkroom {

/// Takes the parts of an upload: the first file part `image`, and every text part once.
class UploadForm final : public FormSink {
 public:
  explicit UploadForm(const Folders& folders) : folders_(folders) {}

  void begin(const FormPart& part) override;
  void data(std::string_view bytes) override;
  void end() override;

  const std::string* text(const std::string& name) const;  ///< null when the form has none of that name
  bool has_file() const { return file_ != nullptr; }
  PartFile& file() { return *file_; }
  const std::string& filename() const { return filename_; }

 private:
  const Folders& folders_;
  std::map<std::string, std::string> texts_;
  std::unique_ptr<PartFile> file_;
  std::string filename_;
  PartFile* open_file_ = nullptr;
  std::string* open_text_ = nullptr;
};

/// Where an upload goes. Nothing is made before the names are known to be good.
struct UploadTarget {
  std::filesystem::path folder;  ///< exists
  std::string type, subfolder;   ///< as sent; type "input" when not
  std::string filename;          ///< as sent; may have folders in front, which exist
  bool overwrite = false;
};

/// Reads `type`, `subfolder` and `overwrite` of the form. Throws Forbidden when name or subfolder leave the folder,
/// InvalidInput for an unknown type and for names that cannot be files.
UploadTarget upload_target(const UploadForm& form, const Folders& folders);

/// Puts `part` in place and gives the final name: the wanted one when it is free, to be overwritten, or holds the same bytes
/// (then nothing is written); else `NAME (1).EXT`, `NAME (2).EXT`, with the same test at each.
std::string place_upload(PartFile& part, const UploadTarget& target);

}  // namespace darkroom
