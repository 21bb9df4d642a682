#include "nodes/tests/probe_nodes.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

#include "worker/tensors.hpp"

namespace darkroom {
namespace {

at::Tensor decode_tensor(const json::object& object) {
  std::vector<std::int64_t> shape;
  for (const auto& size : object.at("shape").as_array()) shape.push_back(size.to_number<std::int64_t>());
  at::Tensor tensor = at::empty(shape, at::kFloat);
  float* data = tensor.mutable_data_ptr<float>();
  for (const auto& value : object.at("data").as_array()) *data++ = value.to_number<float>();
  return tensor;
}

Value decode(const json::value& value);

Value decode_dict(const json::object& items) {
  if (!items.contains("samples")) {
    std::vector<std::pair<std::string, Value>> out;
    for (const auto& [key, item] : items) out.emplace_back(key, decode(item));
    return Value::dict(std::move(out));
  }
  LatentObject latent;
  latent.samples = decode_tensor(items.at("samples").as_object());
  if (const auto* mask = items.if_contains("noise_mask")) latent.noise_mask = decode_tensor(mask->as_object());
  if (const auto* index = items.if_contains("batch_index")) {
    latent.batch_index.emplace();
    for (const auto& one : index->at("list").as_array()) latent.batch_index->push_back(one.to_number<std::int64_t>());
  }
  return latent_value(std::move(latent));
}

Value decode(const json::value& value) {
  const auto* object = value.if_object();
  if (!object) return Value::from_json(value);
  if (object->contains("shape")) return tensor_value(decode_tensor(*object));
  if (const auto* items = object->if_contains("dict")) return decode_dict(items->as_object());
  List list;
  for (const auto& item : object->at("list").as_array()) list.push_back(decode(item));
  return Value::list(std::move(list));
}

json::value encode(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kFloat).contiguous();
  json::array shape(tensor.sizes().begin(), tensor.sizes().end()), data;
  for (std::int64_t i = 0; i < flat.numel(); ++i) data.push_back(double{flat.const_data_ptr<float>()[i]});
  return json::object{{"shape", std::move(shape)}, {"data", std::move(data)}};
}

json::value encode(const Value& value) {
  if (const auto tensor = value.object<TensorObject>()) return encode(tensor->tensor);
  if (const auto latent = value.object<LatentObject>()) {
    json::object items{{"samples", encode(latent->samples)}};
    if (latent->noise_mask) items["noise_mask"] = encode(*latent->noise_mask);
    if (latent->batch_index) items["batch_index"] = json::object{{"list", json::array(latent->batch_index->begin(), latent->batch_index->end())}};
    return json::object{{"dict", std::move(items)}};
  }
  if (const auto* list = value.if_list()) {
    json::array items;
    for (const auto& item : *list) items.push_back(encode(item));
    return json::object{{"list", std::move(items)}};
  }
  if (const auto* dict = value.if_dict()) {
    json::object items;
    for (const auto& [key, item] : *dict) items[key] = encode(item);
    return json::object{{"dict", std::move(items)}};
  }
  return value.to_json().value();
}

class ProbeMake final : public Node {
 public:
  static NodeSchema schema() { return NodeSchema("ProbeMake", Form::kV1).input("json", String{}).output("*"); }
  Outputs run(const Inputs& in, Context&) override { return {decode(parse_json(in.text("json")))}; }
};

class ProbeList final : public Node {
 public:
  static NodeSchema schema() { return NodeSchema("ProbeList", Form::kV1).input("json", String{}).output("*", "", true); }
  Outputs run(const Inputs& in, Context&) override {
    List list;
    const json::value items = parse_json(in.text("json"));
    for (const auto& item : items.as_array()) list.push_back(decode(item));
    return {Value::list(std::move(list))};
  }
};

class ProbeDump final : public Node {
 public:
  static NodeSchema schema() { return NodeSchema("ProbeDump", Form::kV1).output_node().input_is_list().input("value", Any{}); }
  Outputs run(const Inputs& in, Context&) override {
    json::array items;
    for (const auto& item : in.list("value")) items.push_back(encode(item));
    return Outputs().show("values", std::move(items));
  }
};

std::string shown(const json::value& value) { return dump(value).substr(0, 200); }

}  // namespace

void register_probe_nodes(Registry& registry) {
  registry.add<ProbeMake>();
  registry.add<ProbeList>();
  registry.add<ProbeDump>();
}

std::string difference(const json::value& got, const json::value& wanted, double tolerance) {
  if (got.is_number() && wanted.is_number()) {
    const auto a = got.to_number<double>(), b = wanted.to_number<double>();
    return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b)) ? "" : shown(got) + " instead of " + shown(wanted);
  }
  if (got.is_array() && wanted.is_array() && got.as_array().size() == wanted.as_array().size()) {
    for (std::size_t i = 0; i < got.as_array().size(); ++i)
      if (auto text = difference(got.as_array()[i], wanted.as_array()[i], tolerance); !text.empty()) return "[" + std::to_string(i) + "]" + text;
    return "";
  }
  if (got.is_object() && wanted.is_object() && got.as_object().size() == wanted.as_object().size()) {
    for (const auto& [key, value] : wanted.as_object()) {
      const auto* other = got.as_object().if_contains(key);
      if (!other) return "no " + std::string(key);
      if (auto text = difference(*other, value, tolerance); !text.empty()) return "." + std::string(key) + " " + text;
    }
    return "";
  }
  return got == wanted ? "" : shown(got) + " instead of " + shown(wanted);
}

}  // namespace darkroom
