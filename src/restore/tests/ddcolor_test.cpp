#include "restore/ddcolor/ddcolor.hpp"

#include <ATen/ops/abs.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "restore/ddcolor/colorize.hpp"
#include "restore/lab.hpp"
#include "restore/tests/restore_cases.hpp"
#include "tensor/checkpoint.hpp"
#include "tensor/tests/scratch.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

const WorkProgress kSilent = [](auto, auto) {};

StateDict micro() { return load_checkpoint(model_file("ddcolor_micro")); }

template <class Change>
std::string fault_after(const Change& change) {
  auto tensors = micro();
  change(tensors);
  try {
    recognise_ddcolor(std::move(tensors));
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(DDColor, ReadsSizesOffTheShapes) {
  const auto info = read_ddcolor(model_file("ddcolor_micro")).info;
  EXPECT_EQ(info.depths, (std::array<std::int64_t, 4>{1, 1, 2, 1}));
  EXPECT_EQ(info.channels, (std::array<std::int64_t, 4>{16, 24, 32, 48}));
  EXPECT_EQ(info.hidden, 64);
  EXPECT_EQ(info.queries, 10);
  EXPECT_EQ(info.layers, 4);
  EXPECT_EQ(info.size(), "of its own size");
}

TEST(DDColor, NamesEveryTensorThatIsMissing) {
  const auto all = micro();
  for (const auto& [name, tensor] : all) {
    const auto fault = fault_after([&](StateDict& t) { t.erase(name); });
    // How many batches were counted says nothing about the picture.
    if (name.ends_with("num_batches_tracked")) EXPECT_EQ(fault, "accepted") << name;
    else EXPECT_THAT(fault, HasSubstr("tensor ")) << name;
    // A whole block or layer less looks like a smaller network until something else does not fit.
    const bool says_it = name.ends_with("num_batches_tracked") || fault.find(name) != std::string::npos || fault.find("is missing") != std::string::npos;
    EXPECT_TRUE(says_it) << name << ": " << fault;
  }
}

TEST(DDColor, RefusesWhatItIsNot) {
  EXPECT_EQ(fault_after([](StateDict&) {}), "accepted");
  EXPECT_EQ(fault_after([](StateDict& t) { t["encoder.arch.head_cls.weight"] = at::zeros({1}); }), "accepted");  // of older files
  EXPECT_THAT(fault_after([](StateDict& t) { t["decoder.color_decoder.transformer.layers.0.norm.weight"] = at::zeros({1}); }), HasSubstr("SingleColorDecoder"));
  EXPECT_THAT(fault_after([](StateDict& t) { t.clear(), t["body.0.weight"] = at::zeros({1}); }), HasSubstr("no DDColor network"));
  EXPECT_THAT(fault_after([](StateDict& t) { t["encoder.arch.stages.0.0.gamma"] = at::zeros({17}); }), HasSubstr("encoder.arch.stages.0.0.gamma is [17], expected [16]"));
  EXPECT_THAT(fault_after([](StateDict& t) { t["refine_net.0.0.weight_orig"] = at::zeros({2, 14, 1, 1}); }), HasSubstr("refine_net.0.0.weight_orig is [2,14,1,1], expected [2,13,1,1]"));
  EXPECT_THAT(fault_after([](StateDict& t) { t["decoder.last_shuf.conv.0.weight_orig"] = at::zeros({15, 32, 1, 1}); }), HasSubstr("no enlargement by 4"));
  EXPECT_THAT(fault_after([](StateDict& t) { t["decoder.color_decoder.query_feat.weight"] = at::zeros({10, 60}); }), HasSubstr("8 heads"));
  Scratch scratch;
  const auto file = scratch.write("photo.pth", "no weights");
  EXPECT_THROW(read_ddcolor(file), InvalidInput);
  EXPECT_THROW(read_ddcolor(scratch.path() / "none.pth"), NotFound);
}

TEST(DDColor, CountsItsWorkToTheEndAndCanBeStopped) {
  const c10::InferenceMode guard;
  const DDColor network(read_ddcolor(model_file("ddcolor_micro")), {});
  const auto grey = at::rand({3, 96, 96});
  std::vector<std::int64_t> values;
  network(grey, [&](auto value, auto max) { values.push_back(value);
    EXPECT_EQ(max, Work::kParts);
  });
  EXPECT_EQ(values.front(), 0);
  EXPECT_EQ(values.back(), Work::kParts);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
  EXPECT_EQ(std::count(values.begin(), values.end(), Work::kParts), 1) << "a step too many, or the last came early";
  EXPECT_GT(values.size(), 20u);

  struct Stop {};
  for (const std::size_t at : {std::size_t{0}, values.size() / 2, values.size() - 1}) {
    std::size_t seen = 0;
    EXPECT_THROW(network(grey, [&](auto, auto) { if (seen++ == at) throw Stop{}; }), Stop);
    EXPECT_EQ(seen, at + 1);
  }
}

TEST(DDColor, PackingCanBeStoppedBeforeAnyTensor) {
  const auto weights = read_ddcolor(model_file("ddcolor_micro"));
  int all = 0;
  const DDColor network(weights, {}, [&] { ++all; });
  EXPECT_GT(all, 100);
  for (const int stop : {1, all / 2, all}) {
    int count = 0;
    EXPECT_THROW(DDColor(weights, {},
                         [&] {
                           if (++count == stop) throw Conflict("stop");
                         }),
                 Conflict);
    EXPECT_EQ(count, stop);
  }
}

TEST(DDColor, ShowsWhereItsQueriesLook) {
  const c10::InferenceMode guard;
  const DDColor network(read_ddcolor(model_file("ddcolor_micro")), {});
  const auto grey = at::rand({3, 64, 64});
  const auto plain = network(grey, kSilent), watched = network(grey, kSilent, true);
  EXPECT_FALSE(plain.attention.defined());
  EXPECT_EQ(plain.ab.sub(watched.ab).abs().max().item<float>(), 0);
  // The last of four layers looks at the first map again, of stride 16.
  EXPECT_EQ(watched.attention.sizes(), (std::vector<std::int64_t>{10, 4, 4}));
  EXPECT_TRUE(at::allclose(watched.attention.sum({1, 2}), at::ones({10}), 1e-5, 1e-5));
  EXPECT_GE(watched.attention.min().item<float>(), 0);
}

TEST(DDColor, SidesHaveALimit) {
  const c10::InferenceMode guard;
  const DDColor network(read_ddcolor(model_file("ddcolor_micro")), {});
  struct Stop {};
  const auto begin = [&](std::int64_t side) { network(at::zeros({1}).expand({3, side, side}), [](auto, auto) { throw Stop{}; }); };
  EXPECT_EQ(network(at::zeros({3, 32, 32}), kSilent).ab.sizes(), (std::vector<std::int64_t>{2, 32, 32}));
  EXPECT_THROW(begin(DDColor::kMaxSide), Stop);  // accepted
  EXPECT_THROW(begin(DDColor::kMaxSide + 32), TooLarge);
  EXPECT_THROW(begin(48), InvalidInput);
  EXPECT_THROW(begin(0), InvalidInput);
  EXPECT_THROW(network(at::zeros({1, 64, 64}), kSilent), InvalidInput);
  EXPECT_THROW(network(at::zeros({3, 64, 32}), kSilent), InvalidInput);
}

TEST(Colorize, KeepsTheLightnessOfEveryPixel) {
  const c10::InferenceMode guard;
  const DDColor network(read_ddcolor(model_file("ddcolor_micro")), {});
  for (const auto& [height, width] : {std::pair{1, 1}, {7, 130}, {65, 33}}) {
    const auto grey = at::rand({height, width, 1}).mul(0.6).add(0.2).expand({height, width, 3}).contiguous();
    const auto got = colorize(network, grey, 64, kSilent);
    ASSERT_EQ(got.rgb.sizes(), grey.sizes());
    EXPECT_GE(got.rgb.min().item<float>(), 0);
    EXPECT_LE(got.rgb.max().item<float>(), 1);
    const auto kept = lightness_of(grey);
    // Colours of nothing give the grey picture back, up to the table's step.
    EXPECT_LT(at::abs(with_colors(kept, at::zeros({2, 64, 64})).sub(grey)).max().item<float>(), 4e-3);
  }
}

TEST(Lab, RefusesWhatIsNoPicture) {
  EXPECT_THROW(rgb_to_lab(at::zeros({4, 4})), InvalidInput);
  EXPECT_THROW(rgb_to_lab(at::zeros({4, 4, 4})), InvalidInput);
  EXPECT_THROW(rgb_to_lab(at::zeros({0, 4, 3})), InvalidInput);
}

}  // namespace
}  // namespace darkroom
