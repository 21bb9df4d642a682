#include "restore/ddcolor/ddcolor.hpp"

#include <ATen/ops/abs.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "restore/ddcolor/colorize.hpp"
#include "restore/lab.hpp"
#include "restore/tests/restore_cases.hpp"
#include "tensor/attention.hpp"
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
  std::vector<at::Tensor> looks;
  const auto watched = network(grey, kSilent, [&](const ColorLook& look) {
    looks.push_back(look.map());
    EXPECT_EQ(look.layer, static_cast<std::int64_t>(looks.size()));
    EXPECT_EQ(look.layers, 4);
  });
  EXPECT_EQ(network(grey, kSilent).sub(watched).abs().max().item<float>(), 0) << "who watches changes nothing";
  ASSERT_EQ(looks.size(), 4u);
  for (std::size_t l = 0; l < looks.size(); ++l) {
    const std::int64_t side = 4 << l % 3;  // the maps' strides are 16, 8, 4
    EXPECT_EQ(looks[l].sizes(), (std::vector<std::int64_t>{side, side}));
    EXPECT_NEAR(looks[l].sum().item<float>(), 1, 1e-5);
    EXPECT_GE(looks[l].min().item<float>(), 0);
  }
}

/// The weights by which the network's own attention mixes values.
TEST(ColorDecoder, ALookIsWhatAttentionMixes) {
  const c10::InferenceMode guard;
  const std::int64_t heads = 4, width = 8, queries = 7, height = 5, across = 6;
  const auto q = at::randn({queries, heads * width}), k = at::randn({height, across, heads * width}),
             values = at::randn({height * across, width});
  const auto look = look_of(q, k, heads);
  const auto mixed = attention(q.unsqueeze(0), k.flatten(0, 1).unsqueeze(0), values.repeat({1, heads}).unsqueeze(0), heads).squeeze(0);
  const auto expected = mixed.view({queries, heads, width}).mean(at::IntArrayRef{0, 1});
  EXPECT_TRUE(at::allclose(at::matmul(look.flatten(), values), expected, 1e-4, 1e-5));
}

TEST(ColorDecoder, ALookHasALimit) {
  const c10::InferenceMode guard;
  const auto q = at::randn({3, 16});
  const auto sides = [&](std::int64_t height, std::int64_t width) { return look_of(q, at::randn({height, width, 16}), 2).sizes().vec(); };
  EXPECT_EQ(sides(64, 63), (std::vector<std::int64_t>{64, 63}));
  EXPECT_EQ(sides(65, 128), (std::vector<std::int64_t>{33, 64}));
  EXPECT_NEAR(look_of(q, at::randn({130, 1, 16}), 2).sum().item<float>(), 1, 1e-5);
}

TEST(DDColor, SidesHaveALimit) {
  const c10::InferenceMode guard;
  const DDColor network(read_ddcolor(model_file("ddcolor_micro")), {});
  struct Stop {};
  const auto begin = [&](std::int64_t side) { network(at::zeros({1}).expand({3, side, side}), [](auto, auto) { throw Stop{}; }); };
  EXPECT_EQ(network(at::zeros({3, 32, 32}), kSilent).sizes(), (std::vector<std::int64_t>{2, 32, 32}));
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
    ASSERT_EQ(got.sizes(), grey.sizes());
    EXPECT_GE(got.min().item<float>(), 0);
    EXPECT_LE(got.max().item<float>(), 1);
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
