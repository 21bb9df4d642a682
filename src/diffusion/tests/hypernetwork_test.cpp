#include "diffusion/hypernetwork.hpp"

#include <ATen/ops/rand.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "diffusion/tests/golden.hpp"

namespace darkroom {
namespace {

std::shared_ptr<const Hypernetwork> open(const std::string& name) {
  const auto path = golden_model("hypernetworks/" + name).value();
  return std::make_shared<const Hypernetwork>(TorchFile::open(MappedFile::open(path)), Compute{});
}

/// Of tests/data/observed/make_models.py; what they do to a picture stands in the recorded cases of observed/hypernetworks.
class HypernetworkFile : public testing::Test {
 protected:
  void SetUp() override {
    if (!golden_model("")) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  }
  const c10::InferenceMode guard_;
};

TEST_F(HypernetworkFile, ChangesTheWidthsThatItHas) {
  const auto network = open("seen_relu.pt");
  for (const std::int64_t width : {320, 768}) {
    const auto x = at::rand({2, 5, width});
    AttentionSources sources{x, x, x};
    network->apply(sources, 1);
    EXPECT_TRUE(sources.queries.is_same(x));
    EXPECT_GT(relative_error(sources.keys, x), 1e-3);
    EXPECT_GT(relative_error(sources.values, sources.keys), 1e-3);
    AttentionSources half{x, x, x};
    network->apply(half, 0.5);
    EXPECT_LT(relative_error(half.keys.sub(x), sources.keys.sub(x).mul(0.5)), 1e-4);
  }
  const auto other = at::rand({2, 5, 640});
  AttentionSources sources{other, other, other};
  network->apply(sources, 1);
  EXPECT_TRUE(sources.keys.is_same(other) && sources.values.is_same(other));
  EXPECT_GT(network->bytes(), 0U);
}

TEST_F(HypernetworkFile, RefusesOtherFiles) {
  EXPECT_THROW(open("../embeddings/emb_a1111.pt"), InvalidInput);
  EXPECT_THROW(open("../upscale_models/srvgg_x4.pth"), InvalidInput);
}

}  // namespace
}  // namespace darkroom
