#include "nodes/preview_text.hpp"

#include "base/json.hpp"
#include "nodes/tensor_text.hpp"
#include "worker/tensors.hpp"

namespace darkroom {
namespace {

void indented(std::string& out, const json::value& value, std::size_t depth) {
  const std::string margin = "\n" + std::string(4 * (depth + 1), ' '), last_margin = "\n" + std::string(4 * depth, ' ');
  bool first = true;
  const auto separate = [&] {
    out += (first ? "" : ",") + margin;
    first = false;
  };
  if (const auto* array = value.if_array(); array && !array->empty()) {
    out += '[';
    for (const auto& item : *array) {
      separate();
      indented(out, item, depth + 1);
    }
    out += last_margin + "]";
  } else if (const auto* object = value.if_object(); object && !object->empty()) {
    out += '{';
    for (const auto& [key, item] : *object) {
      separate();
      out += dump_python(json::value(key)) + ": ";
      indented(out, item, depth + 1);
    }
    out += last_margin + "}";
  } else {
    out += dump_python(value);
  }
}

std::string repr(const Value& value);

std::string latent_text(const LatentObject& latent) {
  std::string out = "{'samples': " + tensor_text(latent.samples);
  if (latent.noise_mask) out += ", 'noise_mask': " + tensor_text(*latent.noise_mask);
  if (latent.batch_index) {
    List indices;
    for (const std::int64_t index : *latent.batch_index) indices.emplace_back(index);
    out += ", 'batch_index': " + repr(Value::list(std::move(indices)));
  }
  return out + "}";
}

std::string repr(const Value& value) {
  if (const auto data = value.to_json()) return python_repr(*data);
  if (const auto tensor = value.object<TensorObject>()) return tensor_text(tensor->tensor);
  if (const auto latent = value.object<LatentObject>()) return latent_text(*latent);
  std::string out;
  if (const auto* items = value.if_list()) {
    for (const auto& item : *items) out += (out.empty() ? "" : ", ") + repr(item);
    return "[" + out + "]";
  }
  if (const auto* items = value.if_dict()) {
    for (const auto& [name, item] : *items) out += (out.empty() ? "" : ", ") + python_repr(json::value(name)) + ": " + repr(item);
    return "{" + out + "}";
  }
  return value.describe();
}

}  // namespace

std::string preview_text(const Value& value) {
  const auto data = value.to_json();
  if (!data) return repr(value);
  if (!data->is_structured()) return python_str(*data);
  std::string out;
  indented(out, *data, 0);
  return out;
}

}  // namespace darkroom
