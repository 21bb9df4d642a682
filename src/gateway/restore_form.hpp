#pragma once
// The form of POST /restore on its way from the socket: its picture goes to disk as it arrives. Everything here blocks: to be called on
// the pool.

#include <memory>
#include <optional>
#include <string>

#include "gateway/multipart.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"

namespace darkroom {

/// Takes the parts `image` (a file), `options` and `id`, each the first of its name; others are read over.
class RestoreForm final : public FormSink {
 public:
  explicit RestoreForm(const Folders& folders) : folders_(folders) {}

  void begin(const FormPart& part) override;
  void data(std::string_view bytes) override;
  void end() override;

  bool has_image() const { return file_ != nullptr; }
  PartFile& image() { return *file_; }
  const std::string& image_name() const { return name_; }   ///< as the client calls it
  const std::string& image_head() const { return head_; }   ///< its first bytes
  std::uint64_t image_bytes() const { return bytes_; }
  const std::optional<std::string>& id() const { return id_; }
  const std::string& options() const { return options_ ? *options_ : none_; }

 private:
  const Folders& folders_;
  std::unique_ptr<PartFile> file_;
  std::string name_, head_, none_;
  std::optional<std::string> id_, options_;
  std::uint64_t bytes_ = 0;
  bool in_image_ = false;
  std::string* in_text_ = nullptr;
};

}  // namespace darkroom
