// The files of a user: the editor keeps workflows, templates and its style sheet here (protocol.md §3.12). `{file}` is one
// segment of the URL, with its slashes as %2F.

#include <sys/stat.h>

#include <algorithm>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/allowances.hpp"
#include "gateway/http.hpp"
#include "gateway/pool.hpp"
#include "gateway/safe_file.hpp"
#include "gateway/services.hpp"
#include "gateway/stat_times.hpp"
#include "gateway/user_store.hpp"
#include "storage/folders.hpp"
#include "storage/part_file.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

/// Limit: files in one list of a user's folder. Beyond: the list ends there. Fixed: editors show a few hundred. Edge:
/// test_limits.py::test_long_lists_of_userdata_end.
constexpr std::size_t kMaxListed = 100'000;

Response unknown_user() { return Response::error(500, "unknown_user", "Unknown user"); }

bool is_true(const Request& request, const char* name) { return lower(request.query_or(name, "")) == "true"; }
bool may_overwrite(const Request& request) { return request.query_or("overwrite", "true") != "false"; }

struct FileFacts {
  std::int64_t size = 0;
  double modified = 0, created = 0;
};

FileFacts facts_of(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return {};
  return {static_cast<std::int64_t>(info.st_size), seconds_of(info.st_mtim), seconds_of(info.st_ctim)};
}

json::object described(const fs::path& file, const std::string& relative) {
  const FileFacts facts = facts_of(file);
  return {{"path", relative}, {"size", facts.size}, {"modified", facts.modified}, {"created", facts.created}};
}

/// A path below `folder` that may be read or written; nothing where the name leads out.
std::optional<fs::path> inside(const fs::path& folder, const std::string& name) {
  try {
    fs::path file = resolve_inside(folder, name);
    if (file != resolve_inside(folder, "")) return file;
  } catch (const Forbidden&) {
    // outside
  } catch (const InvalidInput&) {
    if (!name.starts_with('/')) throw;  // no name at all: 400
  }
  return std::nullopt;
}

std::string relative_to(const fs::path& folder, const fs::path& file) { return file.lexically_relative(resolve_inside(folder, "")).generic_string(); }

/// The reply to a file that was written: its path, or all facts.
Response written(const Request& request, const fs::path& folder, const fs::path& file) {
  const std::string relative = relative_to(folder, file);
  if (is_true(request, "full_info")) return Response::of_json(described(file, relative));
  return Response::of_json(json::value(relative));
}

void make_parent(const fs::path& file) {
  std::error_code failure;
  fs::create_directories(file.parent_path(), failure);
  if (failure) throw InvalidInput("the folder cannot be made");
}

Response get_file(const Request& request, const fs::path& folder) {
  const std::string& name = request.param("file");
  const auto file = inside(folder, name);
  if (!file) return Response::empty(403);
  std::error_code ignored;
  if (!fs::is_regular_file(*file, ignored)) return Response::empty(404);
  // The user's own style sheet is the one file that a page loads as what it is.
  if (name == "user.css") return Response::of_file(file->string(), "text/css").header("X-Content-Type-Options", "nosniff");
  return send_safely(*file, file->filename().string(), request, true);
}

Response post_file(const Request& request, const fs::path& folder) {
  const auto file = inside(folder, request.param("file"));
  if (!file) return Response::empty(403);
  make_parent(*file);
  PartFile part(file->parent_path());
  part.write(request.body);
  if (may_overwrite(request)) part.replace(*file, true);
  else if (!part.place(*file, true)) return Response::text(409, "File already exists");
  return written(request, folder, *file);
}

Response delete_file(const Request& request, const fs::path& folder) {
  const auto file = inside(folder, request.param("file"));
  if (!file) return Response::empty(403);
  std::error_code failure;
  if (!fs::is_regular_file(*file, failure)) return Response::empty(404);
  return Response::empty(fs::remove(*file, failure) ? 204 : 404);
}

Response move_file(const Request& request, const fs::path& folder) {
  const auto source = inside(folder, request.param("file"));
  const auto target = inside(folder, request.param("dest"));
  if (!source || !target) return Response::empty(403);
  std::error_code failure;
  if (!fs::exists(*source, failure)) return Response::empty(404);
  make_parent(*target);
  if (may_overwrite(request)) {
    fs::rename(*source, *target, failure);
    if (failure) throw InvalidInput("the file cannot be moved there");
  } else if (const int fault = rename_to_free(*source, *target); fault != 0) {
    if (fault == EEXIST) return Response::text(409, "File already exists");
    throw InvalidInput("the file cannot be moved there");
  }
  return written(request, folder, *target);
}

/// Files below `folder`, as the file system gives them; hidden parts of files still being written left out.
std::vector<fs::path> files_below(const fs::path& folder, bool recurse) {
  std::vector<fs::path> files;
  std::error_code failure;
  const auto take = [&](const fs::directory_entry& entry) {
    std::error_code ignored;
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file(ignored) && is_valid_utf8(name) && !name.starts_with(kPartPrefix)) files.push_back(entry.path());
  };
  if (recurse)
    for (fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, failure), end;
         !failure && entry != end && files.size() < kMaxListed; entry.increment(failure))
      take(*entry);
  else
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end && files.size() < kMaxListed; entry.increment(failure))
      take(*entry);
  return files;
}

Response list(const Request& request, const fs::path& folder) {
  const std::string dir = request.query_or("dir", "");
  if (dir.empty()) return Response::text(400, "Directory not provided");
  fs::path root;
  try {
    root = resolve_inside(folder, dir);
  } catch (const Error&) {
    return Response::text(403, "Invalid directory");
  }
  std::error_code ignored;
  if (!fs::is_directory(root, ignored)) return Response::text(404, "Directory not found");
  const bool full = is_true(request, "full_info"), parts = is_true(request, "split");
  json::array listed;
  for (const auto& file : files_below(root, is_true(request, "recurse"))) {
    const std::string relative = file.lexically_relative(root).generic_string();
    if (full) {
      listed.push_back(described(file, relative));
    } else if (parts) {
      json::array row{json::value(relative)};
      for (const auto& part : split(relative, '/')) row.emplace_back(part);
      listed.push_back(std::move(row));
    } else {
      listed.emplace_back(relative);
    }
  }
  return Response::of_json(listed);
}

Response list_tree(const Request& request, const fs::path& folder) {
  const std::string path = request.query_or("path", "");
  fs::path root;
  try {
    root = resolve_inside(folder, path);
  } catch (const Error&) {
    return Response::text(400, "Invalid path requested");
  }
  std::error_code ignored;
  if (!fs::exists(root, ignored)) return path.empty() ? Response::of_json(json::array{}) : Response::text(404, "Requested path not found");
  if (!fs::is_directory(root, ignored)) return Response::text(400, "Requested path is not a directory");

  struct Row {
    bool file;
    std::string sort_name;
    json::object object;
  };
  std::vector<Row> rows;
  const fs::path top = resolve_inside(folder, "");
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(root, fs::directory_options::skip_permission_denied, failure), end;
       !failure && entry != end && rows.size() < kMaxListed; entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    const bool directory = entry->is_directory(ignored);
    if (!is_valid_utf8(name) || name.starts_with(kPartPrefix) || (!directory && !entry->is_regular_file(ignored))) continue;
    json::object object{{"name", name}, {"path", entry->path().lexically_relative(top).generic_string()}, {"type", directory ? "directory" : "file"}};
    if (!directory) {
      const FileFacts facts = facts_of(entry->path());
      object["size"] = facts.size;
      object["modified"] = facts.modified;
    }
    rows.push_back({!directory, lower(name), std::move(object)});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return std::tie(a.file, a.sort_name) < std::tie(b.file, b.sort_name); });
  json::array listed;
  for (auto& row : rows) listed.push_back(std::move(row.object));
  return Response::of_json(listed);
}

using Action = Response (*)(const Request&, const fs::path&);

/// An action on the asking user's folder, on the pool.
Handler on_folder(Services& services, UserStore& users, Action action, Response (*refused)() = unknown_user) {
  return [&services, &users, action, refused](Request& request) -> asio::awaitable<Response> {
    co_return co_await services.pool.run([&] {
      const auto folder = users.folder_of(request.who);
      if (!folder) return refused();
      try {
        return action(request, *folder);
      } catch (const InvalidInput& fault) {
        return Response::text(400, std::string("Invalid filename: ") + fault.what());
      }
    });
  };
}

/// The same as an upload of its user.
Handler counted(Services& services, Handler handler) {
  return [&services, handler = std::move(handler)](Request& request) -> asio::awaitable<Response> {
    Allowances& allowances = allowances_of(services);
    std::optional<Response> refused;
    try {
      allowances.begin_upload(request.who, request.body.size(), steady_ms());
    } catch (const Exhausted& why) {
      refused = too_many(why);
    }
    if (refused) co_return std::move(*refused);
    allowances.received(request.who, request.body.size(), steady_ms());
    co_return co_await handler(request);
  };
}

}  // namespace

void add_userdata_routes(Router& router, Services& services) {
  UserStore& users = user_store_of(services);
  router.add("GET", "/userdata", on_folder(services, users, list));
  router.add("GET", "/v2/userdata", on_folder(services, users, list_tree, [] { return Response::empty(403); }));
  router.add("GET", "/userdata/{file}", on_folder(services, users, get_file));
  router.add("POST", "/userdata/{file}", counted(services, on_folder(services, users, post_file)));
  router.add("DELETE", "/userdata/{file}", on_folder(services, users, delete_file));
  router.add("POST", "/userdata/{file}/move/{dest}", on_folder(services, users, move_file));
}

}  // namespace darkroom
