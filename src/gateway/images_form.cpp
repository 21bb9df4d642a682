#include "gateway/images_form.hpp"

#include <system_error>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace darkroom {
namespace {

/// Limit: pictures of one edit. Beyond: 413. Fixed: that of OpenAI's interface. Edge: ImagesFormTest.HasLimits.
constexpr std::size_t kMaxImages = 16;
/// Limit: a text of the form of an edit, bytes. Beyond: 413. Fixed: the longest prompt of four-byte characters. Edge:
/// ImagesFormTest.HasLimits.
constexpr std::size_t kMaxText = 128'000;
constexpr std::size_t kHead = 16;
constexpr std::size_t kNameDigits = 32;  ///< of the hash: 128 bits

std::filesystem::path edits_folder(const Folders& folders) {
  auto folder = folders.input / kEditsFolder;
  std::error_code fault;
  std::filesystem::create_directories(folder, fault);
  if (fault) throw InternalError("the folder of pictures to edit can't be made: " + fault.message());
  return folder;
}

}  // namespace

void ImagesForm::begin(const FormPart& part) {
  if (part.filename) return begin_file(part);
  const auto [at, is_first] = texts.try_emplace(part.name);
  if (is_first) open_text_ = &at->second;
}

void ImagesForm::begin_file(const FormPart& part) {
  const bool is_image = part.name == "image" || part.name == "image[]";
  if (is_image) {
    if (images.size() == kMaxImages) throw TooLarge("an edit takes at most 16 pictures");
    open_picture_ = &images.emplace_back();
  } else if (part.name == "mask" && !mask.file) {
    open_picture_ = &mask;
  }
  if (open_picture_) open_picture_->file = std::make_unique<PartFile>(edits_folder(folders_));
}

void ImagesForm::data(std::string_view bytes) {
  if (open_picture_) {
    std::string& head = open_picture_->head;
    if (head.size() < kHead) head.append(bytes.substr(0, kHead - head.size()));
    open_picture_->file->write(bytes);
  }
  if (!open_text_) return;
  if (open_text_->size() + bytes.size() > kMaxText) throw TooLarge("a text of the form is over 128,000 bytes");
  *open_text_ += bytes;
}

void ImagesForm::end() {
  open_picture_ = nullptr;
  open_text_ = nullptr;
}

std::string keep_edit_picture(const Folders& folders, PartFile& file, const std::string& ending) {
  const std::string name = std::string(kEditsFolder) + "/" + sha256_hex_of_file(file.path().string()).substr(0, kNameDigits) + ending;
  edits_folder(folders);
  file.place(folders.input / name);  // one that is there has the same bytes
  return name;
}

}  // namespace darkroom
