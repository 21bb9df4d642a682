#include "diffusion/sigmas.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "base/error.hpp"
#include "diffusion/schedule.hpp"

namespace darkroom {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Length of the number at the beginning of `text`: a sign, digits, a point that digits follow; 0 when there is none.
std::size_t number_length(std::string_view text) {
  std::size_t at = !text.empty() && (text[0] == '+' || text[0] == '-');
  const auto digits = [&] {
    const auto first = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > first;
  };
  const bool whole = digits();
  const auto before_point = at;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits()) return at;
  }
  return whole ? before_point : 0;
}

}  // namespace

Sigmas flipped(const Sigmas& sigmas) {
  Sigmas result(sigmas.rbegin(), sigmas.rend());
  if (!result.empty() && result.front() == 0) result.front() = 0.0001F;
  return result;
}

std::pair<Sigmas, Sigmas> split_at(const Sigmas& sigmas, std::int64_t step) {
  const auto size = static_cast<std::int64_t>(sigmas.size());
  const auto high = std::clamp<std::int64_t>(step + 1, 0, size), low = std::clamp<std::int64_t>(step, 0, size);
  return {Sigmas(sigmas.begin(), sigmas.begin() + high), Sigmas(sigmas.begin() + low, sigmas.end())};
}

std::pair<Sigmas, Sigmas> split_denoise(const Sigmas& sigmas, double denoise) {
  if (sigmas.empty()) return {};
  const auto steps = static_cast<double>(sigmas.size() - 1);
  const auto kept = static_cast<std::ptrdiff_t>(std::clamp(std::nearbyint(steps * denoise), 0.0, steps));
  if (kept == 0) return {{}, {sigmas.back()}};
  return {Sigmas(sigmas.begin(), sigmas.end() - kept), Sigmas(sigmas.end() - kept - 1, sigmas.end())};
}

Sigmas with_first(Sigmas sigmas, double first) {
  if (sigmas.empty()) throw InvalidInput("sigmas: an empty list has no first one");
  sigmas.front() = static_cast<float>(first);
  return sigmas;
}

Sigmas extended(const Sigmas& sigmas, std::int64_t steps, double start, double end, std::string_view spacing) {
  if (steps < 1) throw InvalidInput("steps: expected at least 1, got " + std::to_string(steps));
  if (start < 0) start = std::numeric_limits<double>::infinity();
  std::vector<double> shares;  // of the way from one sigma to the next
  for (std::int64_t k = 1; k < steps; ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(steps), angle = share * std::numbers::pi / 2;
    if (spacing == "linear") shares.push_back(share);
    else if (spacing == "cosine") shares.push_back(std::sin(angle));
    else if (spacing == "sine") shares.push_back(1 - std::cos(angle));
    else throw InvalidInput("spacing: \"" + std::string(spacing) + "\" is not known");
  }
  Sigmas result;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const double from = sigmas[i], to = sigmas[i + 1];
    result.push_back(sigmas[i]);
    if (from >= end && from <= start)
      for (const double share : shares) result.push_back(static_cast<float>(share * (to - from) + from));
  }
  if (!sigmas.empty()) result.push_back(sigmas.back());
  return result;
}

Sigmas parsed_sigmas(std::string_view text) {
  Sigmas sigmas;
  while (!text.empty()) {
    const auto length = number_length(text);
    if (length == 0) {
      text.remove_prefix(1);
      continue;
    }
    auto number = text.substr(0, length);
    if (number[0] == '+') number.remove_prefix(1);
    float sigma = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), sigma).ec == std::errc::result_out_of_range)
      throw InvalidInput("sigmas: " + std::string(number.substr(0, 40)) + " is out of range");
    sigmas.push_back(sigma);
    text.remove_prefix(length);
  }
  return sigmas;
}

Sigmas turbo_sigmas(const ModelSampling& sampling, std::int64_t steps, double denoise) {
  constexpr std::int64_t kSteps = 10;  // that SDXL-Turbo was trained for
  const auto first = kSteps - static_cast<std::int64_t>(kSteps * std::clamp(denoise, 0.0, 1.0));
  Sigmas sigmas;
  for (auto i = first; i < std::min(kSteps, first + steps); ++i) sigmas.push_back(static_cast<float>(sampling.sigma(static_cast<double>((kSteps - i) * 100 - 1))));
  sigmas.push_back(0);
  return sigmas;
}

Sigmas basic_schedule(const ModelSampling& sampling, std::string_view scheduler, std::int64_t steps, double denoise) {
  if (denoise >= 1) return schedule(sampling, scheduler, steps);
  if (!(denoise > 0)) return {};
  const double longer = static_cast<double>(steps) / denoise;
  if (longer > 1e6) throw InvalidInput("denoise: " + std::to_string(denoise) + " is too small for " + std::to_string(steps) + " steps");
  auto sigmas = schedule(sampling, scheduler, static_cast<std::int64_t>(longer));
  const auto kept = std::min(sigmas.size(), static_cast<std::size_t>(steps + 1));
  return {sigmas.end() - static_cast<std::ptrdiff_t>(kept), sigmas.end()};
}

}  // namespace darkroom
