#include "storage/unlisted_models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;

TEST(UnlistedModels, are_the_small_autoencoders_that_are_whole) {
  ScratchFolder scratch;
  const Folders folders = Folders::below(scratch.path());
  EXPECT_THAT(names_beside_files("vae", folders), ElementsAre("pixel_space"));
  EXPECT_THAT(names_beside_files("loras", folders), ElementsAre());
  scratch.write("models/vae_approx/taesd_decoder.pth");
  scratch.write("models/vae_approx/taesdxl_encoder.safetensors");
  EXPECT_THAT(names_beside_files("vae", folders), ElementsAre("pixel_space"));
  EXPECT_FALSE(find_taesd("taesd", folders));
  EXPECT_EQ(find_taesd_decoder("taesd", folders), scratch / "models/vae_approx/taesd_decoder.pth");
  EXPECT_FALSE(find_taesd_decoder("taesdxl", folders));
  scratch.write("models/vae_approx/taesd_encoder.safetensors");
  scratch.write("models/vae_approx/taesdxl_decoder.pth");
  std::vector<std::filesystem::path> read;
  EXPECT_THAT(names_beside_files("vae", folders, &read), ElementsAre("taesd", "taesdxl", "pixel_space"));
  EXPECT_FALSE(read.empty());
  const auto pair = find_taesd("taesd", folders);
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->encoder, "taesd_encoder.safetensors");
  EXPECT_EQ(pair->decoder, "taesd_decoder.pth");
  EXPECT_FALSE(find_taesd("taesd_encoder.safetensors", folders));
}

}  // namespace
}  // namespace darkroom
