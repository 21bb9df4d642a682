#include "gateway/restore_form.hpp"

#include <system_error>

#include "base/error.hpp"
#include "gateway/restoration_files.hpp"

namespace darkroom {
namespace {

/// Limit: `options` or `id` of a restoration, bytes. Beyond: 413. Fixed: the longest options have under a thousand. Edge:
/// RestoreForm.TextsHaveALimit.
constexpr std::size_t kMaxText = 64u << 10;
constexpr std::size_t kHead = 16;

}  // namespace

void RestoreForm::begin(const FormPart& part) {
  if (part.name == "image" && part.filename && !part.filename->empty() && !file_) {
    const auto folder = folders_.input / kRestorationFolder;
    std::error_code fault;
    std::filesystem::create_directories(folder, fault);
    if (fault) throw InternalError("the folder of originals can't be made: " + fault.message());
    file_ = std::make_unique<PartFile>(folder);
    name_ = *part.filename;
    in_image_ = true;
  } else if (part.name == "options" && !options_) {
    in_text_ = &options_.emplace();
  } else if (part.name == "id" && !id_) {
    in_text_ = &id_.emplace();
  }
}

void RestoreForm::data(std::string_view bytes) {
  if (in_image_) {
    if (head_.size() < kHead) head_.append(bytes.substr(0, kHead - head_.size()));
    bytes_ += bytes.size();
    file_->write(bytes);
  }
  if (!in_text_) return;
  if (in_text_->size() + bytes.size() > kMaxText) throw TooLarge("a text of the form is over 64 KiB");
  *in_text_ += bytes;
}

void RestoreForm::end() {
  in_image_ = false;
  in_text_ = nullptr;
}

}  // namespace darkroom
