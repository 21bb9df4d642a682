#include "gateway/http.hpp"

#include <algorithm>
#include <charconv>

#include "base/percent.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

constexpr const char* kJson = "application/json; charset=utf-8";

/// The raw segments between slashes: "/a/b" → "a", "b"; "/" → "".
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

bool is_capture(std::string_view segment) { return segment.size() > 2 && segment.front() == '{' && segment.back() == '}'; }
bool is_rest(std::string_view segment) { return is_capture(segment) && segment.substr(0, segment.size() - 1).ends_with("..."); }

using Params = std::vector<std::pair<std::string, std::string>>;

/// Captures of `raw` under `pattern`, or false. A single capture never takes an empty segment.
bool capture(const std::vector<std::string>& pattern, const std::vector<std::string_view>& raw, Params& params) {
  params.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (i >= raw.size()) return false;
    const std::string& want = pattern[i];
    if (is_rest(want)) {
      const char* first = raw[i].data();
      const char* last = raw.back().data() + raw.back().size();
      params.emplace_back(want.substr(1, want.size() - 5), percent_decode({first, static_cast<std::size_t>(last - first)}));
      return true;
    }
    if (is_capture(want)) {
      if (raw[i].empty()) return false;
      params.emplace_back(want.substr(1, want.size() - 2), percent_decode(raw[i]));
    } else if (want != raw[i] && want != percent_decode(raw[i])) {
      return false;
    }
  }
  return raw.size() == pattern.size();
}

}  // namespace

std::uint64_t content_length(const Request& request) {
  const std::string_view text = request.header("content-length");
  std::uint64_t bytes = 0;
  std::from_chars(text.data(), text.data() + text.size(), bytes);
  return bytes;
}

void set_target(Request& request, std::string_view target) {
  // The absolute form ("GET http://host/path") is legal and means the same.
  std::string_view rest = target;
  if (!rest.empty() && rest.front() != '/') {
    const auto authority = rest.find("://");
    if (authority != std::string_view::npos) {
      const auto slash = rest.find('/', authority + 3);
      rest = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
    }
  }
  rest = rest.substr(0, rest.find('#'));
  request.target = rest;
  request.query.clear();
  const auto mark = rest.find('?');
  request.path = percent_decode(rest.substr(0, mark));
  if (mark == std::string_view::npos) return;
  std::string_view query = rest.substr(mark + 1);
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    if (!pair.empty()) {
      const auto equals = pair.find('=');
      std::string value = equals == std::string_view::npos ? std::string() : percent_decode(pair.substr(equals + 1), true);
      request.query.emplace_back(percent_decode(pair.substr(0, equals), true), std::move(value));
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
}

std::string_view Request::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_name) return value;
  return {};
}

const std::string& Request::param(std::string_view name) const {
  static const std::string kNone;
  for (const auto& [key, value] : params)
    if (key == name) return value;
  return kNone;
}

const std::string* Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return &value;
  return nullptr;
}

std::string Request::query_or(std::string_view name, std::string_view fallback) const {
  const std::string* value = query_value(name);
  return value ? *value : std::string(fallback);
}

Response& Response::header(std::string name, std::string value) {
  headers.emplace_back(std::move(name), std::move(value));
  return *this;
}

Response Response::empty(int status) {
  Response response;
  response.status = status;
  return response;
}

Response Response::text(int status, std::string body) {
  Response response;
  response.status = status;
  response.header("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(body);
  return response;
}

Response Response::of_json(const json::value& value, int status) {
  Response response;
  response.status = status;
  response.header("Content-Type", kJson);
  response.body = dump(value);
  return response;
}

Response Response::of_json_text(std::shared_ptr<const std::string> body) {
  Response response;
  response.header("Content-Type", kJson);
  response.shared_body = std::move(body);
  return response;
}

Response Response::error(int status, std::string type, std::string message, std::string details) {
  json::object error{{"type", std::move(type)}, {"message", std::move(message)}, {"details", std::move(details)}, {"extra_info", json::object{}}};
  return of_json(json::object{{"error", std::move(error)}, {"node_errors", json::object{}}}, status);
}

Response Response::of_file(std::string path, std::string content_type) {
  Response response;
  response.file = FileBody{std::move(path), std::move(content_type)};
  return response;
}

void Router::add(std::string method, std::string pattern, Handler handler, RouteOptions options) {
  add_path(method, pattern, handler, options);
  if (options.api_too) add_path(method, "/api" + pattern, handler, options);
  listed_.push_back({std::move(method), std::move(pattern), options});
}

void Router::add_path(const std::string& method, const std::string& pattern, const Handler& handler, const RouteOptions& options) {
  Route route{method, {}, handler, options};
  bool captures = false;
  for (const auto segment : segments_of(pattern)) {
    route.segments.emplace_back(segment);
    captures |= is_capture(segment);
  }
  (captures ? patterns_ : exact_[pattern]).push_back(std::move(route));
}

void Router::set_fallback(Handler handler) { fallback_ = std::move(handler); }

Router::Match Router::match(std::string_view method, std::string_view raw_path) const {
  const bool head = method == "HEAD";
  Match match;
  const auto take = [&](const Route& route) {
    if (route.method == method || (head && route.method == "GET")) {
      match.handler = &route.handler;
      match.options = route.options;
      return true;
    }
    match.allowed.push_back(route.method);
    return false;
  };

  auto exact = exact_.find(raw_path);
  if (exact == exact_.end() && raw_path.find('%') != std::string_view::npos) {
    // An escaped slash is part of a segment, so only a path without one can mean an exact path.
    const std::string decoded = percent_decode(raw_path);
    if (std::count(decoded.begin(), decoded.end(), '/') == std::count(raw_path.begin(), raw_path.end(), '/')) exact = exact_.find(decoded);
  }
  if (exact != exact_.end())
    for (const Route& route : exact->second)
      if (take(route)) {
        match.allowed.clear();
        return match;
      }

  const auto raw = segments_of(raw_path);
  Params params;
  for (const Route& route : patterns_)
    if (capture(route.segments, raw, params) && take(route)) {
      match.params = std::move(params);
      match.allowed.clear();
      return match;
    }

  if (others_) {
    match.guess = others_->guess(raw_path);
    if (match.guess != OtherRoutes::Guess::kNo) match.others = others_;
  }
  // The editor's files lie below the root of all paths: they take every GET that nothing else takes, known paths too.
  if (head || method == "GET") {
    match.allowed.clear();
    if (!fallback_) return match;  // 404
    match.handler = &fallback_;
    match.options.static_files = true;
    return match;
  }
  match.allowed.insert(match.allowed.end(), {"GET", "HEAD"});
  std::sort(match.allowed.begin(), match.allowed.end());
  match.allowed.erase(std::unique(match.allowed.begin(), match.allowed.end()), match.allowed.end());
  return match;
}

}  // namespace darkroom
