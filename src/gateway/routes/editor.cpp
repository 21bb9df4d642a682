// The editor: its files, and what packs add to it (protocol.md §3.13). Every GET that no other route takes ends here.

#include <fmt/format.h>

#include <system_error>

#include "base/error.hpp"
#include "gateway/editor_package.hpp"
#include "gateway/http.hpp"
#include "gateway/options.hpp"
#include "gateway/packs.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"
#include "storage/folders.hpp"
#include "storage/project_folder.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

constexpr const char* kUnknownType = "application/octet-stream";
constexpr std::string_view kOwnScripts = "darkroom/";  ///< below /extensions: web/editor

Response missing() { return Response::empty(404).header("Content-Type", kUnknownType); }

/// A file below `root` by its path; 404 where none is, 403 for a folder.
Response static_file(const fs::path& root, std::string_view path) {
  try {
    const fs::path file = resolve_inside(root, path);
    std::error_code ignored;
    if (fs::is_directory(file, ignored)) return Response::text(403, "403: Forbidden");
    if (!path.ends_with('/') && fs::is_regular_file(file, ignored)) return Response::of_file(file.string(), content_type_of(file.filename().string()));
  } catch (const Error&) {
    // a name that leaves the folder is not there
  }
  return missing();
}

Response index_page(const std::optional<fs::path>& editor) {
  Response page;
  if (editor) page = Response::of_file((*editor / "index.html").string(), "text/html");
  else page.header("Content-Type", "text/html; charset=utf-8").body = page_without_editor();
  return page.header("Cache-Control", "no-cache").header("Pragma", "no-cache").header("Expires", "0");
}

/// What the project itself adds to the editor; paths are empty where its folders are not.
struct OwnParts {
  fs::path templates = project_folder("workflows/templates", "index.json");
  fs::path scripts = templates.empty() ? fs::path() : project_folder("web/editor", "templates.js");
};

/// URLs of every script that the editor loads: its own, Darkroom's, then those of the packs.
json::array extensions(const Folders& folders, const std::optional<fs::path>& editor, const OwnParts& own) {
  json::array urls;
  if (editor) {
    for (const auto& script : scripts_below(*editor / "extensions")) urls.emplace_back("/extensions/" + script);
    for (const auto& script : scripts_below(own.scripts)) urls.emplace_back(fmt::format("/extensions/{}{}", kOwnScripts, script));
  }
  for (const auto& web : web_folders(folders))
    for (const auto& script : scripts_below(web.folder)) urls.emplace_back("/extensions/" + web.name + "/" + script);
  return urls;
}

/// A file of a pack's web folder, of Darkroom's scripts, or of the editor's own extensions.
Response extension_file(const Folders& folders, const std::optional<fs::path>& editor, const OwnParts& own, const std::string& path) {
  if (path.starts_with(kOwnScripts) && !own.scripts.empty())
    return static_file(own.scripts, std::string_view(path).substr(kOwnScripts.size()));
  for (const auto& web : web_folders(folders))
    if (path.size() > web.name.size() && path.starts_with(web.name) && path[web.name.size()] == '/')
      return static_file(web.folder, std::string_view(path).substr(web.name.size() + 1));
  return editor ? static_file(*editor / "extensions", path) : missing();
}

/// A file of workflows/templates, which stands in for the templates package. Its index in a language that it doesn't have is the English
/// one, and without the folder an empty one says so without an error in the editor's console.
Response template_file(const OwnParts& own, const std::string& path) {
  if (path == "index_logo.json") return Response::of_json(json::object{});
  const bool index = path.starts_with("index.") && path.ends_with(".json");
  if (own.templates.empty()) return index ? Response::of_json(json::array{}) : missing();
  std::error_code ignored;
  return static_file(own.templates, index && !fs::exists(own.templates / path, ignored) ? "index.json" : path);
}

Response subgraph_list(const Folders& folders) {
  json::object all;
  for (const auto& subgraph : subgraphs(folders)) all[subgraph.id] = subgraph.info();
  return Response::of_json(all);
}

Response one_subgraph(const Folders& folders, const std::string& id) {
  for (const auto& subgraph : subgraphs(folders)) {
    if (subgraph.id != id) continue;
    json::object found = subgraph.info();
    found["data"] = subgraph.text();
    return Response::of_json(found);
  }
  return Response::of_json(nullptr);
}

/// A handler that works on the pool.
template <class Work>
Handler on_pool(Services& services, Work work) {
  return [&services, work](Request& request) -> asio::awaitable<Response> {
    co_return co_await services.pool.run([&] { return work(request); });
  };
}

}  // namespace

void add_editor_routes(Router& router, Services& services) {
  const Folders& folders = services.folders;
  const auto editor = editor_folder(services.options.front_end_root);
  const OwnParts own;
  RouteOptions root_only;
  root_only.api_too = false;
  RouteOptions files = root_only;
  files.static_files = true;

  const auto index = on_pool(services, [editor](const Request&) { return index_page(editor); });
  router.add("GET", "/", index, root_only);
  router.add("GET", "/api/", index, root_only);
  router.add("GET", "/extensions",
             on_pool(services, [&folders, editor, own](const Request&) { return Response::of_json(extensions(folders, editor, own)); }));
  router.add("GET", "/extensions/{path...}",
             on_pool(services, [&folders, editor,
                                own](const Request& request) { return extension_file(folders, editor, own, request.param("path")); }),
             files);
  router.add("GET", "/i18n", on_pool(services, [&folders](const Request&) { return Response::of_json(translations(folders)); }));
  router.add("GET", "/workflow_templates", on_pool(services, [&folders](const Request&) { return Response::of_json(workflow_templates(folders)); }));
  router.add("GET", "/api/workflow_templates/{pack}/{file}", on_pool(services, [&folders](const Request& request) {
    const auto file = workflow_template(folders, request.param("pack"), request.param("file"));
    return file ? Response::of_file(file->string(), content_type_of(file->filename().string())) : missing();
  }), files);
  router.add("GET", "/global_subgraphs", on_pool(services, [&folders](const Request&) { return subgraph_list(folders); }));
  router.add("GET", "/global_subgraphs/{id}", on_pool(services, [&folders](const Request& request) {
    return one_subgraph(folders, request.param("id"));
  }));
  router.add("GET", "/templates/{path...}",
             on_pool(services, [own](const Request& request) { return template_file(own, request.param("path")); }), files);
  router.set_fallback(on_pool(services, [editor](const Request& request) {
    return editor ? static_file(*editor, std::string_view(request.path).substr(1)) : missing();
  }));
}

}  // namespace darkroom
