#include "gateway/photo_facts.hpp"

#include <system_error>

#include "base/error.hpp"
#include "base/json.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/restoration_files.hpp"
#include "restoration/options.hpp"

namespace darkroom {

using restoration::Refusal;

asio::awaitable<restoration::PictureFile> look_at_photo(PictureHelper& helper, std::filesystem::path file, std::string head) {
  const std::string ending = ending_of(head);
  if (ending.empty()) throw Refusal{"bad_image", "The file is no picture that can be read (JPEG, PNG, WebP, TIFF)"};
  const std::vector<std::string> arguments{"facts"};
  std::string text, fault;
  try {
    text = co_await helper.run_in_turn(arguments, file);
  } catch (const InvalidInput& wrong) {
    fault = wrong.what();
  } catch (const Error& wrong) {
    if (wrong.kind() != ErrorKind::kTimeout) throw;
    fault = wrong.what();
  }
  if (!fault.empty()) throw Refusal{"bad_image", "The picture can't be read: " + fault};
  const json::value facts = parse_json(text);
  const json::object& found = facts.as_object();
  if (const std::string code = string_or(found, "fault", ""); !code.empty()) throw Refusal{code, string_or(found, "text", "")};
  std::error_code ignored;
  co_return restoration::PictureFile{.name = ending,
                                     .folder = "",
                                     .width = int_or(found, "width", 0),
                                     .height = int_or(found, "height", 0),
                                     .bytes = static_cast<std::int64_t>(std::filesystem::file_size(file, ignored))};
}

}  // namespace darkroom
