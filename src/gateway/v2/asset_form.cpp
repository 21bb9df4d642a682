#include "gateway/v2/asset_form.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom::v2 {

namespace fs = std::filesystem;

namespace {

/// Limit: a text part of an upload of API v2, bytes. Beyond: 413 and nothing stored. Fixed: the longest is a name. Edge:
/// AssetForm.TextsHaveALimit.
constexpr std::size_t kMaxText = 64u << 10;
constexpr std::size_t kNameBytes = 200;
constexpr std::size_t kEndingBytes = 12;

}  // namespace

void AssetForm::begin(const FormPart& part) {
  if (part.name == "file" && part.filename) {
    if (file_) throw InvalidInput("the form has two files");
    std::error_code failure;
    fs::create_directories(folder_, failure);
    if (failure) throw Unavailable("the folder of assets can't be made: " + failure.message());
    file_ = std::make_unique<PartFile>(folder_);
    filename_ = *part.filename;
    in_file_ = true;
    return;
  }
  const auto [at, fresh] = texts_.try_emplace(part.name);
  if (fresh) open_text_ = &at->second;
}

void AssetForm::data(std::string_view bytes) {
  if (in_file_) {
    file_->write(bytes);
    hash_.update(bytes);
    size_ += static_cast<std::int64_t>(bytes.size());
  }
  if (!open_text_) return;
  if (open_text_->size() + bytes.size() > kMaxText) throw TooLarge("a text of the form is over 64 KiB");
  *open_text_ += bytes;
}

void AssetForm::end() {
  in_file_ = false;
  open_text_ = nullptr;
}

const std::string& AssetForm::text(const std::string& name) const {
  static const std::string kNone;
  const auto at = texts_.find(name);
  return at == texts_.end() ? kNone : at->second;
}

std::string plain_name(std::string_view given) {
  if (const auto slash = given.find_last_of("/\\"); slash != std::string_view::npos) given.remove_prefix(slash + 1);
  std::string name;
  for (const char c : given)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) name += c;
  if (name.size() > kNameBytes) {
    const std::string ending = plain_ending(name);
    std::size_t length = kNameBytes - ending.size();
    while (length > 0 && (static_cast<unsigned char>(name[length]) & 0xc0) == 0x80) --length;  // whole characters
    name = name.substr(0, length) + ending;
  }
  return name.empty() || name == "." || name == ".." ? "upload.bin" : name;
}

std::string plain_ending(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || name.size() - dot > kEndingBytes) return "";
  const std::string ending = lower(name.substr(dot));
  const bool plain = ending.size() > 1 && std::ranges::all_of(ending.substr(1), [](unsigned char c) { return std::isalnum(c); });
  return plain ? ending : "";
}

}  // namespace darkroom::v2
