#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "imaging/decode.hpp"
#include "nodes/diffusion/holed_picture.hpp"
#include "nodes/tests/graph_bench.hpp"
#include "tensor/safetensors.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class VaeNodes : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* models = std::getenv("DARKROOM_GOLDEN_MODELS"))
      for (auto& folder : bench_.settings.folders.models) folder.paths.push_back(fs::path(models) / folder.key);
    bench_.configure();
  }
  static bool has_models() { return std::getenv("DARKROOM_GOLDEN_MODELS") != nullptr; }
  fs::path vae_folder() const { return bench_.settings.folders.model_folder("vae")->paths.front(); }
  /// Writes a latent that LoadLatent finds.
  void put_latent(const at::Tensor& samples) {
    std::ofstream(bench_.settings.folders.input / "l.latent", std::ios::binary) << dump_safetensors({{"latent_tensor", samples}, {"latent_format_version_0", at::zeros({0})}});
  }
  Ran decode(const std::string& vae, const std::string& node = "VAEDecode", const std::string& more = "") {
    return bench_.run(R"({"1": {"class_type": "LoadLatent", "inputs": {"latent": "l.latent"}}, "2": {"class_type": "VAELoader", "inputs": {"vae_name": ")" + vae + R"("}},
      "3": {"class_type": ")" + node + R"(", "inputs": {"samples": ["1", 0], "vae": ["2", 0])" + more + R"(}},
      "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "v"}}})");
  }
  static std::string node_of(const Ran& ran) { return ran.error ? string_or(*ran.error, "node_type", "") : ""; }

  GraphBench bench_;
};

TEST_F(VaeNodes, BlameTheLoaderForABadFile) {
  put_latent(at::randn({1, 4, 4, 4}));
  const auto write = [&](const char* name, const std::string& bytes) { std::ofstream(vae_folder() / name, std::ios::binary) << bytes; };
  write("junk.safetensors", "junk");
  write("junk.pt", "junk");
  write("other.safetensors", dump_safetensors({{"a", at::zeros({2})}}));
  write("half.safetensors", dump_safetensors({{"decoder.conv_in.weight", at::zeros({32, 4, 3, 3})}, {"decoder.mid.block_1.norm1.weight", at::zeros({32})}}));
  write("cut.safetensors", dump_safetensors({{"decoder.conv_in.weight", at::zeros({32, 4, 3, 3})}}).substr(0, 1000));
  write("video.safetensors", dump_safetensors({{"decoder.conv_in.weight", at::zeros({32, 4, 3, 3, 3})}, {"decoder.mid.block_1.norm1.weight", at::zeros({32})}}));
  for (const auto& [name, text] : {std::pair{"junk.safetensors", "junk.safetensors: "}, {"junk.pt", "junk.pt: "}, {"other.safetensors", "no VAE of a known kind"},
                                   {"half.safetensors", "decoder.conv_in.bias"}, {"cut.safetensors", "cut.safetensors: "}, {"video.safetensors", "no VAE of a known kind"},
                                   {"none.safetensors", "not found"}, {"taesdxl", "not found"}}) {
    const Ran ran = decode(name);
    EXPECT_EQ(node_of(ran), "VAELoader") << name;
    EXPECT_THAT(ran.message(), HasSubstr(text));
    EXPECT_THAT(ran.message(), testing::Not(HasSubstr(vae_folder().string())));  // no path of the server
  }
}

TEST_F(VaeNodes, RefuseLatentsThatTheyCannotDecode) {
  for (const auto& [samples, text] : {std::pair{at::zeros({1, 4, 8, 8}), "decodes 3"}, {at::zeros({1, 3, 0, 8}), "empty"}, {at::zeros({1, 3, 2, 8, 8}), "none of pictures"}}) {
    put_latent(samples);
    const Ran ran = decode("pixel_space");
    EXPECT_EQ(node_of(ran), "VAEDecode");
    EXPECT_THAT(ran.message(), HasSubstr(text));
  }
}

TEST_F(VaeNodes, MakeABlackPictureOfNaN) {
  if (!has_models()) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  put_latent(at::full({1, 4, 8, 8}, std::numeric_limits<float>::quiet_NaN()));
  const Ran ran = decode("tiny_vae.safetensors");
  ASSERT_FALSE(ran.error) << ran.message();
  const auto picture = imaging::decode(read_file(bench_.file(ran.outputs.at("4").at("images").as_array()[0])), "nan");
  EXPECT_EQ(picture.width, 64);
  EXPECT_EQ(picture.rgb, std::vector<std::uint8_t>(64 * 64 * 3, 0));
}

TEST_F(VaeNodes, ShowTilesAsProgress) {
  if (!has_models()) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  put_latent(at::randn({1, 4, 12, 12}));
  const Ran ran = decode("taesd", "VAEDecodeTiled", R"(, "tile_size": 64, "overlap": 64, "temporal_size": 64, "temporal_overlap": 8)");
  ASSERT_FALSE(ran.error) << ran.message();
  // Overlap 64 becomes 16: tiles of 4x16, 16x4 and 8x8 latent pixels.
  auto progress = ran.all<NodeProgress>();
  std::erase_if(progress, [](const NodeProgress& one) { return one.node != "3"; });
  ASSERT_EQ(progress.size(), 5u + 5 + 4);
  EXPECT_EQ(progress.back().value.to_number<int>(), 14);
  EXPECT_EQ(progress.back().max.to_number<int>(), 14);
}

TEST_F(VaeNodes, SaveWhatTheyLoadAgain) {
  if (!has_models()) GTEST_SKIP() << "DARKROOM_GOLDEN_MODELS is not set";
  const Ran saved = bench_.run(R"({"1": {"class_type": "VAELoader", "inputs": {"vae_name": "taesd"}},
    "2": {"class_type": "VAESave", "inputs": {"vae": ["1", 0], "filename_prefix": "vae/mine"}}})");
  ASSERT_FALSE(saved.error) << saved.message();
  const auto ours = read_safetensors(bench_.settings.folders.output / "vae/mine_00001_.safetensors");
  EXPECT_THAT(ours.metadata.at("prompt"), HasSubstr("VAESave"));
  EXPECT_FLOAT_EQ(ours.tensors.at("vae_scale").item<float>(), 0.18215F);
  const auto models = fs::path(std::getenv("DARKROOM_GOLDEN_MODELS"));
  for (const char* half : {"taesd_encoder", "taesd_decoder"})
    for (const auto& [name, tensor] : read_safetensors(models / "vae_approx" / (std::string(half) + ".safetensors")).tensors) {
      const auto& copy = ours.tensors.at(std::string(half) + "." + name);
      EXPECT_EQ(copy.scalar_type(), at::kFloat);
      EXPECT_TRUE(copy.equal(tensor.to(at::kFloat))) << name;
    }
  put_latent(at::randn({1, 4, 2, 2}));
  const auto picture_of = [&](const Ran& ran) { return imaging::decode(read_file(bench_.file(ran.outputs.at("4").at("images").as_array()[0])), "v").rgb; };
  const Ran first = decode("taesd"), again = decode("mine_00001_.safetensors");
  ASSERT_FALSE(again.error) << again.message();
  EXPECT_EQ(picture_of(first), picture_of(again));
}

TEST(CutHole, GreysCutsAndGrows) {
  auto mask = at::zeros({1, 11, 9});
  mask[0][5][4].fill_(0.6);
  mask[0][8][8].fill_(0.4);  // rounds to nothing
  const auto pixels = at::ones({2, 11, 9, 3});
  const auto cut = cut_to_latent(pixels, mask, 8);  // cut by (11 % 8) / 2 = 1 above, (9 % 8) / 2 = 0 at the left
  EXPECT_EQ(with_hole(cut).sizes(), (at::IntArrayRef{2, 8, 8, 3}));
  EXPECT_EQ(grown_mask(cut.mask, 3).sizes(), (at::IntArrayRef{1, 1, 8, 8}));
  EXPECT_EQ(with_hole(cut).ne(1).sum().item<std::int64_t>(), 2 * 3);
  EXPECT_EQ(with_hole(cut)[1][4][4][2].item<float>(), 0.5F);
  EXPECT_EQ(grown_mask(cut.mask, 3).sum().item<float>(), 9);
  EXPECT_EQ(grown_mask(cut.mask, 3).narrow(2, 3, 3).narrow(3, 3, 3).sum().item<float>(), 9);
  // A box of even side reaches further down and right of what it grows from.
  const auto even = grown_mask(cut.mask, 2);
  EXPECT_EQ(even.sum().item<float>(), 4);
  EXPECT_EQ(even.narrow(2, 4, 2).narrow(3, 4, 2).sum().item<float>(), 4);
  EXPECT_TRUE(grown_mask(cut.mask, 0).equal(grown_mask(cut.mask, 1)));
}

TEST(CutHole, RefusesMasksThatFitNoBatch) {
  EXPECT_THROW(cut_to_latent(at::ones({1, 16, 16, 3}), at::ones({2, 16, 16}), 8), InvalidInput);
  EXPECT_THROW(cut_to_latent(at::ones({1, 7, 16, 3}), at::ones({1, 16, 16}), 8), InvalidInput);
  EXPECT_THROW(cut_to_latent(at::ones({1, 16, 16, 3}), at::ones({1, 0, 16}), 8), InvalidInput);
}

}  // namespace
}  // namespace darkroom
