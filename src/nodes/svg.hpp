#pragma once
// SVG documents as values: what vectorising nodes make and SaveSVGNode writes.

#include <string>
#include <vector>

#include "worker/value.hpp"

namespace darkroom {

/// One or more documents as text.
struct SvgObject final : Object {
  explicit SvgObject(std::vector<std::string> texts) : documents(std::move(texts)) {}
  std::string describe() const override { return "SVG(" + std::to_string(documents.size()) + " documents)"; }
  std::size_t bytes() const override {
    std::size_t sum = 0;
    for (const auto& document : documents) sum += document.size();
    return sum;
  }
  std::vector<std::string> documents;
};

/// Puts `<metadata>` with indented JSON right after the opening `<svg ...>` tag; a document without one stays as it is.
std::string svg_with_metadata(const std::string& document, const json::object& metadata);

}  // namespace darkroom
