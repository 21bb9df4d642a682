#include "gateway/images_result.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"
#include "gateway/gatekeeper.hpp"
#include "gateway/options.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/pool.hpp"
#include "gateway/services.hpp"
#include "storage/folders.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw NotFound("there is no such picture");
  return {std::istreambuf_iterator<char>(in), {}};
}

/// "/images/image_1_.png", each part escaped.
std::string encoded_path(std::string_view path) {
  std::string out;
  for (const auto& part : split(path.substr(1), '/')) out += "/" + percent_encode(part);
  return out;
}

std::string name_of(const NamedFile& file) { return file.subfolder.empty() ? file.name : file.subfolder + "/" + file.name; }

}  // namespace

std::string picture_path(const Services& services, const Identity& who, const NamedFile& file) {
  const auto root = services.folders.of_user(who.user).by_type(file.type);
  if (!root || file.name.empty()) throw NotFound("there is no such picture");
  const fs::path path = resolve_inside(*root, name_of(file));
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) throw NotFound("there is no such picture");
  return path.string();
}

asio::awaitable<std::string> picture_bytes(Services& services, const Identity& who, const NamedFile& file, const PictureForm& form) {
  auto find = [&] { return picture_path(services, who, file); };
  const std::string path = co_await services.pool.run(std::move(find));
  if (form.format == "png" && path.ends_with(".png")) {
    auto read = [&] { return read_file(path); };
    co_return co_await services.pool.run(std::move(read));
  }
  std::vector<std::string> arguments{"convert", "png"};
  if (form.format != "png") arguments = {"preview", form.format, std::to_string(std::max<std::int64_t>(form.quality, 1))};
  co_return co_await picture_helper_of(services).run(who.stranger(), arguments, path);
}

std::string picture_url(const Services& services, const Request& request, const NamedFile& file, const PictureForm& form) {
  std::string path = "/v1/images/files/" + file.type + "/" + name_of(file);
  std::string query;
  if (request.who.has_own_room()) {
    const std::int64_t expires = now_ms() / 1000 + static_cast<std::int64_t>(services.options.link_hours * 3600);
    query = services.gate->signed_link(request.who.user, path, expires).substr(path.size());
  }
  if (form.format != "png") query += (query.empty() ? "?" : "&") + ("format=" + form.format) + "&quality=" + std::to_string(form.quality);
  const bool is_secure = request.connection.tls || request.header("x-forwarded-proto") == "https";
  const std::string_view host = request.header("host");
  const std::string server = host.empty() ? "" : (is_secure ? "https://" : "http://") + std::string(host);
  return server + encoded_path(path) + query;
}

}  // namespace darkroom
