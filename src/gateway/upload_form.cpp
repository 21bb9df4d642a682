#include "gateway/upload_form.hpp"

#include <array>
#include <fstream>
#include <system_error>

#include "base/error.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: a text part of an upload, bytes. Beyond: 413 and nothing stored. Fixed: the longest is a reference to a file. Edge:
/// Upload.texts_have_a_limit.
constexpr std::size_t kMaxText = 1u << 20;

bool same_content(const fs::path& a, const fs::path& b) {
  std::error_code failure;
  if (!fs::is_regular_file(b, failure) || fs::file_size(a, failure) != fs::file_size(b, failure) || failure) return false;
  std::ifstream first(a, std::ios::binary), second(b, std::ios::binary);
  std::array<char, 65536> x, y;
  for (;;) {
    first.read(x.data(), x.size());
    second.read(y.data(), y.size());
    if (first.gcount() != second.gcount() || !std::equal(x.begin(), x.begin() + first.gcount(), y.begin())) return false;
    if (first.gcount() < static_cast<std::streamsize>(x.size())) return first.eof() && second.eof();
  }
}

void make_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw InvalidInput("the folder cannot be made: " + failure.message());
}

/// Before the ending, and the ending with its dot; a dot at the front is part of the name.
std::pair<std::string, std::string> split_ending(const std::string& name) {
  const auto slash = name.rfind('/');
  const std::size_t first = slash == std::string::npos ? 0 : slash + 1;
  const auto dot = name.rfind('.');
  if (dot == std::string::npos || dot <= first) return {name, ""};
  return {name.substr(0, dot), name.substr(dot)};
}

}  // namespace

void UploadForm::begin(const FormPart& part) {
  if (part.filename && !part.filename->empty()) {
    if (part.name != "image" || file_) return;  // its bytes are read over
    // The type is often sent after the file, so that the folder is a guess; place_upload() copies where it was wrong.
    const std::string* type = text("type");
    const fs::path folder = folders_.by_type(type ? *type : "input").value_or(folders_.input);
    make_folder(folder);
    file_ = std::make_unique<PartFile>(folder);
    filename_ = *part.filename;
    open_file_ = file_.get();
    return;
  }
  const auto [at, fresh] = texts_.try_emplace(part.name);
  if (fresh) open_text_ = &at->second;
}

void UploadForm::data(std::string_view bytes) {
  if (open_file_) open_file_->write(bytes);
  if (!open_text_) return;
  if (open_text_->size() + bytes.size() > kMaxText) throw TooLarge("a text of the form is over 1 MiB");
  *open_text_ += bytes;
}

void UploadForm::end() {
  open_file_ = nullptr;
  open_text_ = nullptr;
}

const std::string* UploadForm::text(const std::string& name) const {
  const auto at = texts_.find(name);
  return at == texts_.end() ? nullptr : &at->second;
}

UploadTarget upload_target(const UploadForm& form, const Folders& folders) {
  UploadTarget target;
  const std::string* type = form.text("type");
  const std::string* subfolder = form.text("subfolder");
  const std::string* overwrite = form.text("overwrite");
  target.type = type ? *type : "input";
  target.subfolder = subfolder ? *subfolder : "";
  target.overwrite = overwrite && (*overwrite == "true" || *overwrite == "1");
  target.filename = form.filename();
  const auto root = folders.by_type(target.type);
  if (!root) throw InvalidInput("unknown type");
  try {
    target.folder = resolve_inside(*root, target.subfolder);
    if (resolve_inside(target.folder, target.filename) == target.folder || target.filename.ends_with('/')) throw Forbidden("the name is a folder");
  } catch (const InvalidInput& refused) {
    throw Forbidden(refused.what());
  }
  make_folder(target.folder);
  return target;
}

std::string place_upload(PartFile& part, const UploadTarget& target) {
  const auto [stem, ending] = split_ending(target.filename);
  std::string name = target.filename;
  for (int number = 1;; ++number) {
    const fs::path file = resolve_inside(target.folder, name);
    std::error_code ignored;
    if (!fs::is_directory(file.parent_path(), ignored)) throw InvalidInput("the folder of the name does not exist");
    if (target.overwrite) {
      part.replace(file);
      return name;
    }
    if (same_content(part.path(), file) || part.place(file)) return name;
    name = stem + " (" + std::to_string(number) + ")" + ending;
  }
}

}  // namespace darkroom
