#include "nodes/tensor_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace darkroom {
namespace {

constexpr std::int64_t kThreshold = 1000, kEdge = 3;
constexpr std::size_t kLineWidth = 80;

/// The places along an axis that are shown.
std::vector<std::int64_t> shown_places(std::int64_t size, bool summarize) {
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < size; ++i)
    if (!summarize || size <= 2 * kEdge || i < kEdge || i >= size - kEdge) places.push_back(i);
  return places;
}

/// The values that are shown, in order.
void collect(const at::Tensor& tensor, bool summarize, std::vector<double>& values) {
  if (tensor.dim() == 0) {
    values.push_back(tensor.item().toDouble());
    return;
  }
  for (const std::int64_t i : shown_places(tensor.size(0), summarize)) collect(tensor.select(0, i), summarize, values);
}

/// One form for all values of a tensor, so that columns align.
class Formatter {
 public:
  Formatter(const std::vector<double>& values, bool floating) : floating_(floating) {
    double least = 0, most = 0;
    bool any = false;
    for (const double value : values) {
      if (!floating) width_ = std::max(width_, fmt::format("{:.0f}", value).size());
      if (!floating || !std::isfinite(value) || value == 0) continue;
      least = any ? std::min(least, std::abs(value)) : std::abs(value);
      most = any ? std::max(most, std::abs(value)) : std::abs(value);
      any = true;
      if (value != std::ceil(value)) whole_ = false;
    }
    if (!any) return;
    scientific_ = most / least > 1000 || most > 1e8 || (!whole_ && least < 1e-4);
    for (const double value : values)
      if (std::isfinite(value) && value != 0) width_ = std::max(width_, bare(value).size());
  }
  std::size_t width() const { return width_; }
  std::string format(double value) const {
    const std::string text = floating_ ? bare(value) : fmt::format("{:.0f}", value);
    return text.size() < width_ ? std::string(width_ - text.size(), ' ') + text : text;
  }

 private:
  std::string bare(double value) const {
    if (scientific_) return fmt::format("{:.4e}", value);
    if (!whole_) return fmt::format("{:.4f}", value);
    return fmt::format("{:.0f}", value) + (std::isfinite(value) ? "." : "");
  }
  bool floating_, whole_ = true, scientific_ = false;
  std::size_t width_ = 1;
};

std::string vector_text(const at::Tensor& tensor, std::size_t indent, bool summarize, const Formatter& form) {
  std::vector<std::string> items;
  const bool cut = summarize && tensor.size(0) > 2 * kEdge;
  for (const std::int64_t i : shown_places(tensor.size(0), summarize)) {
    if (cut && i == tensor.size(0) - kEdge) items.emplace_back(" ...");
    items.push_back(form.format(tensor.select(0, i).item().toDouble()));
  }
  const std::size_t a_line = std::max<std::size_t>(1, (kLineWidth - std::min(indent, kLineWidth)) / (form.width() + 2));
  std::string out = "[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += i % a_line == 0 ? ",\n" + std::string(indent + 1, ' ') : ", ";
    out += items[i];
  }
  return out + "]";
}

std::string body(const at::Tensor& tensor, std::size_t indent, bool summarize, const Formatter& form) {
  if (tensor.dim() == 0) return form.format(tensor.item().toDouble());
  if (tensor.dim() == 1) return vector_text(tensor, indent, summarize, form);
  const std::string separator = "," + std::string(static_cast<std::size_t>(tensor.dim() - 1), '\n') + std::string(indent + 1, ' ');
  const bool cut = summarize && tensor.size(0) > 2 * kEdge;
  std::string out = "[";
  bool first = true;
  for (const std::int64_t i : shown_places(tensor.size(0), summarize)) {
    if (!first) out += separator;
    first = false;
    if (cut && i == tensor.size(0) - kEdge) out += "..." + separator;
    out += body(tensor.select(0, i), indent + 1, summarize, form);
  }
  return out + "]";
}

std::string dtype_suffix(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kHalf: return "dtype=torch.float16";
    case at::kBFloat16: return "dtype=torch.bfloat16";
    case at::kDouble: return "dtype=torch.float64";
    case at::kByte: return "dtype=torch.uint8";
    case at::kInt: return "dtype=torch.int32";
    default: return "";
  }
}

}  // namespace

std::string tensor_text(const at::Tensor& given) {
  constexpr std::size_t kIndent = 7;  // of "tensor("
  const at::Tensor tensor = given.detach().cpu();
  std::vector<std::string> suffixes;
  std::string out = "tensor(";
  if (tensor.numel() == 0) {
    out += "[]";
    if (tensor.dim() != 1) {
      std::string shape;
      for (std::int64_t i = 0; i < tensor.dim(); ++i) shape += (i ? ", " : "") + std::to_string(tensor.size(i));
      suffixes.push_back("size=(" + shape + ")");
    }
  } else {
    const bool summarize = tensor.numel() > kThreshold;
    std::vector<double> values;
    collect(tensor, summarize, values);
    out += body(tensor, kIndent, summarize, Formatter(values, tensor.is_floating_point()));
  }
  if (const std::string dtype = dtype_suffix(tensor); !dtype.empty()) suffixes.push_back(dtype);
  for (const auto& suffix : suffixes) {
    const std::size_t line = out.size() - (out.rfind('\n') == out.npos ? 0 : out.rfind('\n') + 1);
    out += line + suffix.size() + 2 > kLineWidth ? ",\n" + std::string(kIndent, ' ') + suffix : ", " + suffix;
  }
  return out + ")";
}

}  // namespace darkroom
