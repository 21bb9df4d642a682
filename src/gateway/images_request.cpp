#include "gateway/images_request.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "drawing/picture_workflow.hpp"
#include "gateway/api_error.hpp"

namespace darkroom {
namespace {

/// Limit: prompt of /v1/images, characters. Beyond: 400. Fixed: that of OpenAI's interface. Edge: ImagesRequest.PromptsHaveALimit.
constexpr std::int64_t kMaxPromptCharacters = 32'000;
/// Limit: pictures of one request of /v1/images. Beyond: 400. Fixed: that of OpenAI's interface. Edge: ImagesRequest.NumbersHaveBounds.
constexpr std::int64_t kMaxPictures = 10;
/// Limit: pictures of the work so far in one request of /v1/images. Beyond: 400. Fixed: that of OpenAI's interface. Edge:
/// ImagesRequest.NumbersHaveBounds.
constexpr std::int64_t kMaxPartialImages = 3;
constexpr std::int64_t kSizeStep = 8;

[[noreturn]] void refuse(const std::string& field, const std::string& why, const char* code = "invalid_value") {
  throw ApiError{400, fmt::format("{}: {}", field, why), code, field};
}

/// The fields of a body by name and kind.
class Fields {
 public:
  explicit Fields(const json::object& fields) : fields_(fields) {}

  const json::value* given(const std::string& name) const {
    const auto* value = find(fields_, name);
    return value && !value->is_null() ? value : nullptr;
  }
  std::string text(const std::string& name, std::string fallback) const {
    const auto* value = given(name);
    if (!value) return fallback;
    if (!value->is_string()) refuse(name, "expected a text", "invalid_type");
    return std::string(value->get_string());
  }
  std::int64_t integer(const std::string& name, std::int64_t fallback, std::int64_t low, std::int64_t high) const {
    const auto* value = given(name);
    if (!value) return fallback;
    if (!value->is_int64() && !value->is_uint64()) refuse(name, "expected an integer", "invalid_type");
    if (value->is_uint64() || value->get_int64() < low || value->get_int64() > high)
      refuse(name, fmt::format("must be between {} and {}", low, high));
    return value->get_int64();
  }
  bool flag(const std::string& name) const {
    const auto* value = given(name);
    if (value && !value->is_bool()) refuse(name, "expected true or false", "invalid_type");
    return value && value->get_bool();
  }
  std::string choice(const std::string& name, std::string fallback, const std::vector<std::string>& choices) const {
    std::string word = text(name, std::move(fallback));
    if (std::ranges::find(choices, word) == choices.end()) refuse(name, fmt::format("must be one of {}", fmt::join(choices, ", ")));
    return word;
  }

 private:
  const json::object& fields_;
};

std::int64_t characters_in(const std::string& text) {
  return std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::string prompt_of(const Fields& fields) {
  if (!fields.given("prompt")) refuse("prompt", "it is missing", "missing_required_parameter");
  std::string prompt = fields.text("prompt", "");
  if (prompt.empty()) refuse("prompt", "it is empty");
  if (characters_in(prompt) > kMaxPromptCharacters)
    refuse("prompt", fmt::format("it is longer than {} characters", kMaxPromptCharacters), "string_above_max_length");
  return prompt;
}

std::optional<std::pair<std::int64_t, std::int64_t>> size_of(const Fields& fields) {
  const std::string text = fields.text("size", "auto");
  if (text == "auto") return std::nullopt;
  std::pair<std::int64_t, std::int64_t> size;
  try {
    size = picture_size(text);
  } catch (const InvalidInput&) {
    refuse("size", "expected WIDTHxHEIGHT in pixels, such as 1024x1024, or auto");
  }
  if (size.first % kSizeStep != 0 || size.second % kSizeStep != 0)
    refuse("size", fmt::format("both sides must be multiples of {}", kSizeStep));
  return size;
}

std::optional<std::uint64_t> seed_of(const Fields& fields) {
  const auto* value = fields.given("seed");
  if (!value) return std::nullopt;
  if (value->is_uint64()) return value->get_uint64();
  return static_cast<std::uint64_t>(fields.integer("seed", 0, 0, std::numeric_limits<std::int64_t>::max()));
}

/// Only the models that OpenAI called DALL-E gave addresses unless told otherwise.
bool wants_url(const Fields& fields, const std::string& model) {
  const bool usual = model.starts_with("dall-e");
  return fields.choice("response_format", usual ? "url" : "b64_json", {"url", "b64_json"}) == "url";
}

}  // namespace

ImagesRequest read_images_request(const json::object& body) {
  const Fields fields(body);
  ImagesRequest request;
  request.prompt = prompt_of(fields);
  request.model = fields.text("model", "");
  request.n = fields.integer("n", 1, 1, kMaxPictures);
  request.size = size_of(fields);
  request.quality = fields.choice("quality", "auto", {"auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"});
  request.format = fields.choice("output_format", "png", {"png", "jpeg", "webp"});
  request.compression = fields.integer("output_compression", 100, 0, 100);
  request.seed = seed_of(fields);
  request.as_url = wants_url(fields, request.model);
  request.stream = fields.flag("stream");
  request.partial_images = fields.integer("partial_images", 0, 0, kMaxPartialImages);
  if (fields.choice("background", "auto", {"auto", "opaque", "transparent"}) == "transparent")
    refuse("background", "this server draws no transparent backgrounds", "unsupported_value");
  return request;
}

json::object fields_of_form(const std::map<std::string, std::string>& texts) {
  json::object fields;
  for (const auto& [name, text] : texts) {
    const bool is_number = name == "n" || name == "seed" || name == "output_compression" || name == "partial_images";
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, fault] = std::from_chars(text.data(), end, number);
    const bool is_read = fault == std::errc() && stopped == end;
    if (is_number && is_read && number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      fields[name] = static_cast<std::int64_t>(number);
    else if (is_number && is_read) fields[name] = number;
    else if (name == "stream" && (text == "true" || text == "false")) fields[name] = text == "true";
    else fields[name] = text;
  }
  return fields;
}

}  // namespace darkroom
