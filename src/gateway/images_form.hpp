#pragma once
// The form of POST /v1/images/edits on its way from the socket: its pictures go to disk as they arrive. Everything here blocks: to be
// called on the pool.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/multipart.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"

namespace darkroom {

/// Below the input folder: where pictures of edits lie, each once, named by its content.
inline constexpr std::string_view kEditsFolder = "edits";

/// A picture of the form.
struct FormPicture {
  std::unique_ptr<PartFile> file;
  std::string head;  ///< its first bytes
};

/// Takes the files `image` or `image[]`, the file `mask`, and every text once.
class ImagesForm final : public FormSink {
 public:
  explicit ImagesForm(const Folders& folders) : folders_(folders) {}

  void begin(const FormPart& part) override;  ///< throws TooLarge for one picture too many
  void data(std::string_view bytes) override;
  void end() override;

  std::vector<FormPicture> images;
  FormPicture mask;
  std::map<std::string, std::string> texts;

 private:
  void begin_file(const FormPart& part);

  const Folders& folders_;
  FormPicture* open_picture_ = nullptr;
  std::string* open_text_ = nullptr;
};

/// Puts a picture in its place and gives its name as nodes take it: "edits/HASH.png". `ending`: with its dot.
std::string keep_edit_picture(const Folders& folders, PartFile& file, const std::string& ending);

}  // namespace darkroom
