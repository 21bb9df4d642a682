#include "gateway/v2/reply.hpp"

#include <fmt/format.h>

#include <ctime>

#include "base/error.hpp"
#include "base/text.hpp"
#include "broker/broker.hpp"
#include "gateway/allowances.hpp"

namespace darkroom::v2 {
namespace {

constexpr std::int64_t kQueueRetrySeconds = 5;

/// One path of a proxy, such as `/darkroom`: nothing that could lead elsewhere.
bool is_prefix(std::string_view text) {
  if (!text.starts_with('/') || text.starts_with("//") || text.size() > 200) return false;
  for (const unsigned char c : text)
    if (!std::isalnum(c) && c != '/' && c != '-' && c != '_' && c != '.' && c != '~') return false;
  return true;
}

Refusal exhausted(const Exhausted& why) {
  Refusal refusal(429, "rate_limited", why.what());
  refusal.retry_after_s = std::max<std::int64_t>(1, why.retry_after_s);
  return refusal;
}

Refusal queue_full(const QueueFull& why) {
  Refusal refusal(429, "queue_full", why.what());
  refusal.retry_after_s = kQueueRetrySeconds;
  return refusal;
}

Refusal refusal_of(const Error& fault) {
  switch (fault.kind()) {
    case ErrorKind::kInvalidInput: return {400, "invalid_request", fault.what()};
    case ErrorKind::kNotFound: return {404, "not_found", fault.what()};
    case ErrorKind::kForbidden: return {403, "forbidden", fault.what()};
    case ErrorKind::kTooLarge: return {413, "too_large", fault.what()};
    case ErrorKind::kUnavailable: return {503, "unavailable", fault.what()};
    default: throw fault;
  }
}

}  // namespace

Response error(const Refusal& why) {
  Response response = Response::of_json(
      json::object{{"error", json::object{{"code", why.code}, {"message", why.what()}, {"details", why.details}}}}, why.status);
  if (why.retry_after_s > 0) response.header("Retry-After", std::to_string(why.retry_after_s));
  return response;
}

Response error(int status, std::string code, std::string message) { return error(Refusal(status, std::move(code), message)); }

asio::awaitable<Response> guarded(asio::awaitable<Response> handling) {
  std::optional<Response> refused;
  try {
    co_return co_await std::move(handling);
  } catch (const Refusal& why) {
    refused = error(why);
  } catch (const Exhausted& why) {
    refused = error(exhausted(why));
  } catch (const QueueFull& why) {
    refused = error(queue_full(why));
  } catch (const KeyTaken& why) {
    refused = error(422, "idempotency_key_reuse", why.what());
  } catch (const Error& fault) {
    refused = error(refusal_of(fault));
  }
  co_return std::move(*refused);
}

std::string time_text(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec, ms % 1000);
}

std::string a_year_after(std::int64_t ms) { return time_text(ms + 365ll * 24 * 3600 * 1000); }

json::value time_or_null(std::int64_t ms) { return ms > 0 ? json::value(time_text(ms)) : json::value(); }

std::string outer_prefix(const Request& request) {
  std::string_view prefix = request.header("x-forwarded-prefix");
  if (!request.connection.loopback || !is_prefix(prefix)) return "";
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return std::string(prefix);
}

std::string base_address(const Request& request) {
  const bool secure = request.connection.tls || request.header("x-forwarded-proto") == "https";
  std::string_view host = request.header("x-forwarded-host");
  if (!request.connection.loopback || host.empty()) host = request.header("host");
  return (secure ? "https://" : "http://") + std::string(host) + outer_prefix(request);
}

std::string ascii_json(const json::value& value) {
  const std::string text = dump(value);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      if (lead == 0x7f) out += "\\u007f";
      else out += static_cast<char>(lead);
      ++i;
      continue;
    }
    // What dump() writes is UTF-8, checked where it came in.
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    char32_t point = lead & (0xffu >> (length + 1));
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k) point = (point << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    if (point < 0x10000) out += fmt::format("\\u{:04x}", static_cast<unsigned>(point));
    else
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + static_cast<unsigned>((point - 0x10000) >> 10),
                         0xdc00 + static_cast<unsigned>((point - 0x10000) & 0x3ff));
    i += length;
  }
  return out;
}

}  // namespace darkroom::v2
