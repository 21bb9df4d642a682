#include "restoration/options.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace darkroom::restoration {
namespace {

constexpr double kUsualScratch = 0.2;  ///< `true`: more takes thin things for scratches, such as the mast of a ship

[[noreturn]] void refuse(std::string text) { throw Refusal{"bad_options", std::move(text)}; }

bool flag(std::string_view key, const json::value& value) {
  if (!value.is_bool()) refuse(fmt::format("options: {} must be true or false", key));
  return value.get_bool();
}

double strength(std::string_view key, const json::value& value) {
  if (value.is_bool()) return value.get_bool() ? 1 : 0;
  const double number = value.is_number() ? value.to_number<double>() : -1;
  if (!(number >= 0 && number <= 1)) refuse(fmt::format("options: {} must be a number from 0 to 1", key));
  return number;
}

std::int64_t integer(std::string_view key, const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  // 2.0 is what some programs write for 2.
  if (value.is_double() && value.get_double() == static_cast<double>(static_cast<int>(value.get_double()))) return static_cast<std::int64_t>(value.get_double());
  refuse(fmt::format("options: {} must be a whole number", key));
}

std::string name(std::string_view key, const json::value& value) {
  if (value.is_null()) return "";
  if (!value.is_string() || value.get_string().size() > kMaxModelName)
    refuse(fmt::format("options: {} must be the name of a model, of at most {} bytes, or null", key, kMaxModelName));
  return std::string(value.get_string());
}

void take(RestoreOptions& options, std::string_view key, const json::value& value) {
  if (key == "colorize") {
    if (!value.is_null()) options.colorize = flag(key, value);
  } else if (key == "denoise") {
    options.denoise = strength(key, value);
  } else if (key == "scratch") {
    options.scratch = value.is_bool() && value.get_bool() ? kUsualScratch : strength(key, value);
  } else if (key == "sharpen") {
    options.sharpen = strength(key, value);
  } else if (key == "upscale") {
    const std::int64_t times = integer(key, value);
    if (times != 1 && times != 2 && times != 4) refuse("options: upscale must be 1, 2 or 4");
    options.upscale = static_cast<int>(times);
  } else if (key == "model") {
    options.model = name(key, value);
  } else if (key == "upscale_model") {
    options.upscale_model = name(key, value);
  } else if (key == "size") {
    if (value.is_null()) return;
    const std::int64_t side = integer(key, value);
    if (side < kMinSize || side > kMaxSize || side % kSizeStep != 0)
      refuse(fmt::format("options: size must be a multiple of {} from {} to {}", kSizeStep, kMinSize, kMaxSize));
    options.size = static_cast<int>(side);
  } else if (key == "keep_gps") {
    options.keep_gps = flag(key, value);
  } else if (key == "lang") {
    options.lang = name(key, value);
    if (!options.lang.empty() && options.lang != "en" && options.lang != "zh") refuse("options: lang must be \"en\" or \"zh\"");
  } else {
    refuse(fmt::format("options: \"{}\" is not known", key));
  }
}

}  // namespace

RestoreOptions parse_options(std::string_view text) {
  RestoreOptions options;
  if (text.empty()) return options;
  json::value value;
  try {
    value = parse_json(text, {.max_bytes = 64u << 10, .max_depth = 4});
  } catch (const Error& fault) {
    refuse(std::string("options: not valid JSON: ") + fault.what());
  }
  if (!value.is_object()) refuse("options: must be a JSON object");
  for (const auto& [key, given] : value.get_object()) take(options, key, given);
  return options;
}

json::object RestoreOptions::to_json() const {
  json::object out;
  out.emplace("colorize", colorize ? json::value(*colorize) : json::value());
  out.emplace("denoise", denoise);
  out.emplace("scratch", scratch);
  out.emplace("upscale", upscale);
  out.emplace("sharpen", sharpen);
  out.emplace("model", model.empty() ? json::value() : json::value(model));
  out.emplace("upscale_model", upscale_model.empty() ? json::value() : json::value(upscale_model));
  if (size) out.emplace("size", *size);  // else not at all: servers of before would refuse null
  out.emplace("keep_gps", keep_gps);
  return out;
}

}  // namespace darkroom::restoration
