// Workflow files in every form: what is read comes out the same when it is written and read again.

#include "workflow/import.hpp"

#include "base/error.hpp"
#include "fuzz.hpp"
#include "workflow/schema.hpp"

namespace darkroom {
namespace {

const SchemaSet& schemas() {
  static const SchemaSet set = [] {
    SchemaSet made;
    NodeSchema load("LoadImage", Form::kV1);
    load.input("image", Combo{"a.png", "b.png"}).output("IMAGE").output("MASK");
    made.add(std::move(load));
    NodeSchema sampler("KSampler", Form::kV1);
    sampler.input("model", Socket{"MODEL"})
        .input("seed", Int{.value = 0})
        .input("steps", Int{.value = 20})
        .input("cfg", Float{.value = 8})
        .output("LATENT");
    made.add(std::move(sampler));
    NodeSchema sum("Sum", Form::kV3);
    sum.input("nums", Autogrow{"num", Socket{"INT"}, "num", 1, 5})
        .input("op", DynamicCombo{{{"times", {make_input(Form::kV3, "factor", Int{.value = 1})}}, {"plain", {}}}})
        .output("INT");
    made.add(std::move(sum));
    NodeSchema save("SaveImage", Form::kV1);
    save.input("images", Socket{"IMAGE"}).input("filename_prefix", String{}).output_node();
    made.add(std::move(save));
    return made;
  }();
  return set;
}

}  // namespace
}  // namespace darkroom

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace darkroom;
  json::object prompt;
  try {
    prompt = read_workflow_text(view_of(data, size), schemas()).prompt;
  } catch (const Error&) {
    return 0;
  }
  const std::string once = dump(prompt);
  const std::string twice = dump(read_workflow_text(once, schemas()).prompt);
  fuzz_check(once == twice, "a prompt changes when it is written and read again");
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  return {
      R"({"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}})",
      R"({"client_id": "c", "prompt": {"9": {"class_type": "KSampler", "inputs": {"seed": 1, "cfg": 8.0}, "_meta": {"title": "t"}}}})",
      R"({"load": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}, "save": {"type": "SaveImage", "inputs": {"images": "load.image", "filename_prefix": "x"}}})",
      R"({"nodes": [{"id": "a", "type": "LoadImage"}, {"id": 7, "type": "SaveImage", "inputs": {"images": "a.IMAGE"}}]})",
      R"({"nodes": [{"id": 1, "type": "LoadImage", "widgets_values": ["a.png", "image"], "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]},
              {"id": 2, "type": "Reroute", "inputs": [{"name": "", "type": "*", "link": 1}], "outputs": [{"name": "", "type": "IMAGE", "links": [2]}]},
              {"id": 3, "type": "SaveImage", "mode": 0, "inputs": [{"name": "images", "type": "IMAGE", "link": 2}], "widgets_values": ["x"]}],
              "links": [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 3, 0, "IMAGE"]], "version": 0.4})",
      R"({"nodes": [{"id": 1, "type": "g"}, {"id": 5, "type": "Sum", "widgets_values": {"op": "times", "op.factor": 3}}], "links": [],
              "definitions": {"subgraphs": [{"id": "g", "inputs": [{"name": "image", "linkIds": [1]}], "nodes": [{"id": 1, "type": "KSampler", "mode": 4, "widgets_values": [7, "fixed", 20]}],
              "links": [{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0, "type": "*"}]}]}})"};
}

std::vector<std::string> fuzz_words() {
  return {"[",
          "]",
          "{",
          "}",
          "null",
          "\"id\": 1",
          "\"type\": \"g\"",
          "\"mode\": 4",
          "\"links\": []",
          "-10",
          "-20",
          "1e400",
          "18446744073709551616",
          "\"__value__\"",
          "\\u0000",
          "\"nodes\": "};
}
