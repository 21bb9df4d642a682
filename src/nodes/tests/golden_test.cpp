// Runs the recorded cases of single nodes (tests/data/golden/README.md, tests/data/observed/record.py) through the executor
// and compares what was saved. Those with models want the files of golden/make_models.py and observed/make_models.py in
// $DARKROOM_GOLDEN_MODELS.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>

#include "imaging/decode.hpp"
#include "nodes/tests/graph_bench.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

const fs::path kData = DARKROOM_TEST_DATA;

fs::path models() {
  const char* folder = std::getenv("DARKROOM_GOLDEN_MODELS");
  return folder ? folder : "";
}

/// Are files of models needed? `pixel_space` is none.
bool needs_models(const json::object& facts) {
  const auto* list = find_array(facts, "models");
  return list && std::any_of(list->begin(), list->end(), [](const json::value& one) { return one.as_string() != "pixel_space"; });
}

/// The tensors of a safetensors file as floats, by name.
std::map<std::string, std::vector<float>> read_tensors(const fs::path& path) {
  const std::string text = read_file(path);
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, text.data(), sizeof header_size);
  std::map<std::string, std::vector<float>> out;
  const json::value header = parse_json(std::string_view(text).substr(8, header_size));
  for (const auto& [name, entry] : header.as_object()) {
    if (name == "__metadata__" || entry.at("dtype").as_string() != "F32") continue;
    const auto& range = entry.at("data_offsets").as_array();
    const auto begin = range[0].to_number<std::size_t>(), end = range[1].to_number<std::size_t>();
    std::vector<float> values((end - begin) / sizeof(float));
    std::memcpy(values.data(), text.data() + 8 + header_size + begin, end - begin);
    out.emplace(name, std::move(values));
  }
  return out;
}

class Golden : public testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    bench_ = std::make_unique<GraphBench>();
    for (const char* set : {"golden", "observed"})
      for (const auto& entry : fs::directory_iterator(kData / set / "inputs"))
        fs::copy_file(entry, bench_->settings.folders.input / entry.path().filename(), fs::copy_options::overwrite_existing);
    if (models().empty()) return;
    for (auto& folder : bench_->settings.folders.models) folder.paths.push_back(models() / folder.key);
    bench_->settings.memory_limit = kMemoryLimit;
    bench_->configure();
  }
  static void TearDownTestSuite() {
    bench_.reset();
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    EXPECT_LT(static_cast<std::size_t>(used.ru_maxrss) << 10, kMemoryLimit) << "a gateway would have ended the worker";
  }

  /// As a worker has one (--ram). The models of all cases are several times as large; a union ControlNet alone does not fit into 8 GiB.
  static constexpr std::size_t kMemoryLimit = std::size_t{12} << 30;

  inline static std::unique_ptr<GraphBench> bench_;
};

void expect_same_picture(const imaging::Picture& got, const imaging::Picture& want, const json::object& tolerance) {
  ASSERT_EQ(got.width, want.width);
  ASSERT_EQ(got.height, want.height);
  ASSERT_EQ(got.alpha.has_value(), want.alpha.has_value());
  int worst = 0;
  std::size_t off = 0;
  const auto compare = [&](const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      worst = std::max(worst, std::abs(a[i] - b[i]));
      off += a[i] != b[i];
    }
  };
  compare(got.rgb, want.rgb);
  if (got.alpha) compare(*got.alpha, *want.alpha);
  EXPECT_LE(worst, int_or(tolerance, "max_level", 1));
  EXPECT_LE(static_cast<double>(off), number_or(tolerance, "frac_off", 0.005) * static_cast<double>(got.rgb.size()));
}

void expect_same_latent(const std::vector<float>& got, const std::vector<float>& want, const json::object& tolerance) {
  ASSERT_EQ(got.size(), want.size());
  double error = 0, square = 0, worst = 0, top = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double d = std::abs(double{got[i]} - double{want[i]});
    error += d * d;
    square += double{want[i]} * double{want[i]};
    worst = std::max(worst, d);
    top = std::max(top, std::abs(double{want[i]}));
  }
  EXPECT_LE(std::sqrt(error), number_or(tolerance, "rel_l2", 2e-6) * std::sqrt(square));
  EXPECT_LE(worst, number_or(tolerance, "rel_max", 5e-6) * top);
}

TEST_P(Golden, SavesWhatTheReferenceSaved) {
  const fs::path folder = kData / GetParam();
  json::object workflow = parse_json(read_file(folder / "workflow.json")).as_object();
  for (auto& [id, node] : workflow)
    if (auto* prefix = node.at("inputs").as_object().if_contains("filename_prefix")) *prefix = "run/" + GetParam();
  const json::object facts = parse_json(read_file(folder / "case.json")).as_object();
  if (needs_models(facts) && models().empty()) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const auto& tolerance = facts.at("tolerance").as_object();
  const json::object none;
  const auto limits = [&](const char* kind) -> const json::object& {
    const auto* found = find_object(tolerance, kind);
    return found ? *found : none;
  };

  const Ran ran = bench_->run(workflow);
  ASSERT_FALSE(ran.error) << ran.message();
  std::map<std::string, std::vector<float>> latents;
  if (fs::exists(folder / "expected.safetensors")) latents = read_tensors(folder / "expected.safetensors");
  std::size_t compared = 0, expected = latents.size();
  for (const auto& entry : fs::directory_iterator(folder)) expected += entry.path().extension() == ".png";
  for (const auto& [node, ui] : ran.outputs) {
    if (!ui.is_object()) continue;
    for (const char* kind : {"images", "latents"}) {
      const auto* list = find_array(ui.as_object(), kind);
      for (std::size_t i = 0; list && i < list->size(); ++i) {
        const std::string name = std::string(kind).substr(0, std::strlen(kind) - 1) + "." + std::string(node) + "." + std::to_string(i);
        const fs::path file = bench_->file((*list)[i]);
        SCOPED_TRACE(name);
        if (std::string_view(kind) == "images")
          expect_same_picture(imaging::decode(read_file(file), name), imaging::decode(read_file(folder / (name + ".png")), name), limits("image"));
        else
          expect_same_latent(read_tensors(file)["latent_tensor"], latents[name], limits("latent"));
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 0u);
  EXPECT_EQ(compared, expected);
}

enum class Set {
  kPlain,  ///< no diffusion model, no text encoder of one
  kSmoke,  ///< with one, tagged "smoke": a case of each kind
  kRest,   ///< all others
};

Set set_of(const json::object& facts) {
  const auto* models = find_array(facts, "models");
  const bool diffusion = models && std::any_of(models->begin(), models->end(), [](const json::value& model) {
    const std::string_view name = model.as_string();
    return name.starts_with("tiny_sd") || name.starts_with("tiny_clip") || name.starts_with("seen_");
  });
  const auto& tags = facts.at("tags").as_array();
  const bool smoke = std::any_of(tags.begin(), tags.end(), [](const json::value& tag) { return tag.as_string() == "smoke"; });
  return !diffusion ? Set::kPlain : smoke ? Set::kSmoke : Set::kRest;
}

/// golden/cases/image_pad, observed/adapters/adapter_light, ...: every folder with a case, sorted.
std::vector<std::string> cases(Set wanted) {
  std::vector<std::string> names;
  for (const char* folder : {"golden", "observed"})
    for (const auto& entry : fs::recursive_directory_iterator(kData / folder))
      if (entry.path().filename() == "case.json" && set_of(parse_json(read_file(entry.path())).as_object()) == wanted)
        names.push_back(fs::relative(entry.path().parent_path(), kData));
  std::sort(names.begin(), names.end());
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& instance) {
  std::string name = instance.param;
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::ValuesIn(cases(Set::kPlain)), test_name);
INSTANTIATE_TEST_SUITE_P(Diffusion, Golden, testing::ValuesIn(cases(Set::kSmoke)), test_name);
INSTANTIATE_TEST_SUITE_P(AllDiffusion, Golden, testing::ValuesIn(cases(Set::kRest)), test_name);

}  // namespace
}  // namespace darkroom
