#include "storage/saving.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "base/error.hpp"
#include "base/text.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: number in the name of a saved file that counts as one of ours. Beyond: the file is not counted. Fixed: nobody has so many. Edge:
/// SaveTarget.counters_have_a_limit.
constexpr int kMaxCounter = 999'999'999;

void replace_all(std::string& text, std::string_view what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
}

std::string fill_in(std::string_view prefix, int width, int height) {
  std::string text(prefix);
  if (text.find('%') == std::string::npos) return text;
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  const auto two_digits = [](int number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  replace_all(text, "%width%", std::to_string(width));
  replace_all(text, "%height%", std::to_string(height));
  replace_all(text, "%year%", std::to_string(local.tm_year + 1900));
  replace_all(text, "%month%", two_digits(local.tm_mon + 1));
  replace_all(text, "%day%", two_digits(local.tm_mday));
  replace_all(text, "%hour%", two_digits(local.tm_hour));
  replace_all(text, "%minute%", two_digits(local.tm_min));
  replace_all(text, "%second%", two_digits(local.tm_sec));
  return text;
}

/// The number in `NAME_00012_.png`; 0 for every other entry of the folder.
int number_in(std::string_view entry, std::string_view name) {
  if (entry.size() <= name.size() + 1 || entry.substr(0, name.size()) != name || entry[name.size()] != '_') return 0;
  entry.remove_prefix(name.size() + 1);
  const std::string_view digits = entry.substr(0, entry.find('_'));
  int number = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return fault == std::errc() && end == digits.data() + digits.size() && number > 0 && number <= kMaxCounter ? number : 0;
}

[[noreturn]] void refuse(const std::string& why) {
  throw Forbidden("**** ERROR: Saving image outside the output folder is not allowed.\n " + why);
}

}  // namespace

SaveTarget save_target(const fs::path& root, std::string_view prefix, int width, int height) {
  const fs::path wanted = fs::path(fill_in(prefix, width, height)).lexically_normal();
  fs::path relative = wanted.has_filename() ? wanted : wanted.parent_path();  // `a/b/` saves as `b` in `a`
  SaveTarget target;
  target.name = relative.filename().string();
  if (target.name == ".") target.name.clear();
  if (target.name == "..") refuse("filename_prefix: " + std::string(prefix));
  target.subfolder = relative.parent_path().string();
  if (target.name.size() + 12 > 255) throw InvalidInput("filename_prefix: the name is too long");
  try {
    target.folder = resolve_inside(root, target.subfolder);
    resolve_inside(root, relative.string());  // the name itself: forms that would lead out on other systems
  } catch (const Forbidden&) {
    refuse("filename_prefix: " + std::string(prefix));
  } catch (const InvalidInput& fault) {
    if (!prefix.empty() && (prefix[0] == '/' || prefix[0] == '\\')) refuse("filename_prefix: " + std::string(prefix));
    throw InvalidInput("filename_prefix: " + std::string(fault.what()));
  }
  std::error_code failure;
  fs::create_directories(target.folder, failure);
  if (failure) throw InvalidInput("filename_prefix: cannot make the folder " + target.subfolder + ": " + failure.message());
  int largest = 0;
  for (fs::directory_iterator entry(target.folder, failure), end; !failure && entry != end; entry.increment(failure))
    largest = std::max(largest, number_in(entry->path().filename().string(), target.name));
  target.counter = largest + 1;
  return target;
}

std::string numbered(std::string_view name, int batch, int counter, std::string_view extension) {
  std::string text(name);
  replace_all(text, "%batch_num%", std::to_string(batch));
  if (!extension.empty() && extension.front() == '.') extension.remove_prefix(1);
  char digits[16];
  std::snprintf(digits, sizeof digits, "_%05d_.", counter);
  return text + digits + std::string(extension);
}

void write_file(const fs::path& path, std::string_view bytes, bool durable) {
  PartFile part(path.parent_path());
  part.write(bytes);
  part.replace(path, durable);
}

}  // namespace darkroom
