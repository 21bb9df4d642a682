#include "gateway/editor_package.hpp"

#include <cstdlib>
#include <system_error>

namespace darkroom {

namespace fs = std::filesystem;

fs::path python_environment() {
  if (const char* given = std::getenv("DARKROOM_VENV"); given && *given) return given;
  const char* cache = std::getenv("DARKROOM_CACHE");
  const char* home = std::getenv("HOME");
  const fs::path root = cache && *cache ? fs::path(cache) : fs::path(home && *home ? home : "/root") / ".cache" / "darkroom";
  return root / "venv-" DARKROOM_LOCK_HASH;
}

std::optional<fs::path> editor_folder(const fs::path& given) {
  std::error_code ignored;
  if (!given.empty()) return fs::exists(given / "index.html", ignored) ? std::optional(fs::canonical(given, ignored)) : std::nullopt;
  for (fs::directory_iterator entry(python_environment() / "lib", ignored), end; !ignored && entry != end; entry.increment(ignored)) {
    const fs::path folder = entry->path() / "site-packages" / "comfyui_frontend_package" / "static";
    std::error_code failure;
    if (fs::exists(folder / "index.html", failure)) return fs::canonical(folder, failure);
  }
  return std::nullopt;
}

std::string page_without_editor() {
  return R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Darkroom</title>
<style>
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1.5rem; color: #e8e6e3; background: #1b1a19; }
  h1 { font-weight: 500; } code { background: #2e2c2a; padding: .1em .4em; border-radius: .25em; } a { color: #e0a458; }
</style>
<h1>Darkroom is running</h1>
<p>The graph editor is not installed, so there is nothing to show here yet. The API is there: see <a href="/system_stats">/system_stats</a>.</p>
<p>To get the editor, run <code>script/bootstrap</code> once and start the server again, or install the package
<code>comfyui-frontend-package</code> elsewhere and point to its <code>static</code> folder with <code>--front-end-root</code>.</p>
</html>
)";
}

}  // namespace darkroom
