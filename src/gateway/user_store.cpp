#include "gateway/user_store.hpp"

#include <fstream>
#include <sstream>
#include <system_error>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/options.hpp"
#include "gateway/services.hpp"
#include "storage/folders.hpp"
#include "storage/saving.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

constexpr const char* kUsers = "users.json";
constexpr const char* kSettings = "comfy.settings.json";
/// Limit: the file of a user's settings, bytes. Beyond: 413, and they stay as they were. Fixed: it is read and written as a whole. Edge:
/// UserData.settings_have_a_limit.
constexpr std::size_t kMaxFile = 4u << 20;
constexpr std::string_view kReserved = "__";  // users of the system begin so

json::object read_object(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return {};
  std::ostringstream text;
  text << stream.rdbuf();
  try {
    json::value value = parse_json(text.str());
    if (value.is_object()) return std::move(value.get_object());
  } catch (const Error&) {
    // told below
  }
  log::warn("{} is damaged and taken as empty", file.filename().string());
  return {};
}

void write_object(const fs::path& file, const json::object& object) {
  fs::create_directories(file.parent_path());
  write_file(file, dump_indented(object), true);
}

bool is_id_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

/// Every run of letters that an id can't have becomes one hyphen.
std::string id_from(std::string_view name) {
  std::string id;
  bool in_run = false;
  for (const char c : name) {
    if (is_id_letter(c)) id += c;
    else if (!in_run) id += '-';
    in_run = !is_id_letter(c);
  }
  return id.substr(0, 128) + "_" + uuid4();
}

void indent(std::string& out, const json::value& value, std::size_t level) {
  const std::string inner(4 * (level + 1), ' '), outer(4 * level, ' ');
  const char* separator = "\n";
  if (const auto* object = value.if_object(); object && !object->empty()) {
    out += '{';
    for (const auto& [key, member] : *object) {
      out += separator + inner + dump_python(json::value(key)) + ": ";
      indent(out, member, level + 1);
      separator = ",\n";
    }
    out += "\n" + outer + "}";
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    out += '[';
    for (const auto& member : *array) {
      out += separator + inner;
      indent(out, member, level + 1);
      separator = ",\n";
    }
    out += "\n" + outer + "]";
  } else {
    out += dump_python(value);
  }
}

}  // namespace

std::string dump_indented(const json::value& value) {
  std::string out;
  indent(out, value, 0);
  return out;
}

json::object UserStore::users() const {
  const std::scoped_lock lock(mutex_);
  return read_object(root_ / kUsers);
}

std::string UserStore::add_user(const std::string& name) {
  if (name.starts_with(kReserved)) throw Forbidden("System User prefix not allowed");
  const std::scoped_lock lock(mutex_);
  json::object users = read_object(root_ / kUsers);
  for (const auto& [id, known] : users)
    if (known.is_string() && known.get_string() == name) throw Conflict("Duplicate username.");
  const std::string id = id_from(name);
  users.emplace(id, name);
  write_object(root_ / kUsers, users);
  return id;
}

std::optional<fs::path> UserStore::folder_of(const Identity& who) const {
  if (who.has_own_room()) return root_ / room_folder(who.user);
  if (!multi_user_) return root_ / "default";
  const std::string& user = who.name;
  if (user.starts_with(kReserved)) return std::nullopt;
  if (user.empty() || !users().contains(user)) return std::nullopt;
  try {
    fs::path folder = resolve_inside(root_, user);
    return folder.parent_path() == resolve_inside(root_, "") ? std::optional(std::move(folder)) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;  // users.json was edited by hand and names a way out
  }
}

json::object UserStore::settings(const fs::path& folder) const {
  const std::scoped_lock lock(mutex_);
  return read_object(folder / kSettings);
}

void UserStore::merge_settings(const fs::path& folder, const json::object& changes) {
  const std::scoped_lock lock(mutex_);
  json::object settings = read_object(folder / kSettings);
  for (const auto& [key, value] : changes) settings[key] = value;
  const std::string text = dump_indented(settings);
  if (text.size() > kMaxFile) throw TooLarge("all settings together are over " + std::to_string(kMaxFile >> 20) + " MiB");
  fs::create_directories(folder);
  write_file(folder / kSettings, text, true);
}

UserStore& user_store_of(Services& services) {
  if (!services.users) services.users = std::make_shared<UserStore>(services.folders.user, services.options.multi_user);
  return *services.users;
}

}  // namespace darkroom
