#include "storage/model_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;

class ModelNames : public testing::Test {
 protected:
  void write(const std::string& name, std::size_t bytes = 1) { scratch_.write("models/" + name, std::string(bytes, 'x')); }
  std::string found(const std::string& name, const std::vector<std::string>& keys = {"ddcolor", "upscale_models"}) const {
    const auto model = find_model_by_name(folders_, keys, name);
    return model ? model->key + ":" + model->name : "nothing";
  }
  ScratchFolder scratch_;
  const Folders folders_ = Folders::below(scratch_.path());
};

TEST_F(ModelNames, may_lack_ending_and_scale) {
  for (const char* name : {"a-x2.param", "a-x4.param", "a-x3.param", "b_4x.pth", "Sub/c.safetensors"}) write(std::string("upscale_models/") + name);
  EXPECT_EQ(found("a-x2.param"), "upscale_models:a-x2.param");
  EXPECT_EQ(found("a-x2"), "upscale_models:a-x2.param");
  EXPECT_EQ(found("a-x2.pth"), "upscale_models:a-x2.param");
  EXPECT_EQ(found("A"), "upscale_models:a-x4.param");
  EXPECT_EQ(found("a-x8"), "upscale_models:a-x4.param");
  EXPECT_EQ(found("b"), "upscale_models:b_4x.pth");
  EXPECT_EQ(found("B-4X"), "upscale_models:b_4x.pth");
  EXPECT_EQ(found("c"), "upscale_models:Sub/c.safetensors");
  for (const char* nobody : {"d", "x4", "-x4", "a-", ".pth"}) EXPECT_EQ(found(nobody), "nothing") << nobody;
  EXPECT_THROW(found("../a"), Forbidden);
}

TEST_F(ModelNames, of_the_first_folder_count_step_by_step) {
  write("upscale_models/same.pth");
  write("ddcolor/same-x2.pth");
  EXPECT_EQ(found("same"), "upscale_models:same.pth");  // the closer name
  write("ddcolor/same.bin");
  EXPECT_EQ(found("same"), "ddcolor:same.bin");
  EXPECT_EQ(found("same.pth"), "upscale_models:same.pth");
}

TEST_F(ModelNames, of_folders_stand_for_files_that_say_nothing) {
  write("ddcolor/ddcolor_paper_tiny/pytorch_model.bin");
  write("ddcolor/mine/model.safetensors");
  EXPECT_EQ(found("ddcolor_paper_tiny.pth"), "ddcolor:ddcolor_paper_tiny/pytorch_model.bin");
  EXPECT_EQ(found("mine"), "ddcolor:mine/model.safetensors");
  EXPECT_TRUE(is_published_name("ddcolor", "ddcolor_paper.pth"));
  EXPECT_TRUE(is_published_name("ddcolor", "DDColor-Paper"));
  EXPECT_FALSE(is_published_name("ddcolor", "other.pth"));
  EXPECT_FALSE(is_published_name("upscale_models", "ddcolor_paper.pth"));
}

TEST_F(ModelNames, of_colourisers_come_best_first) {
  write("ddcolor/ddcolor_paper_tiny.pth", 2 << 20);
  write("ddcolor/small.safetensors", 1 << 20);
  write("ddcolor/darkroom-demo.safetensors", 9 << 20);
  write("ddcolor/zzz.pth", 3 << 20);
  write("ddcolor/ddcolor_artistic.pth", 3 << 20);
  write("ddcolor/ddcolor_modelscope/pytorch_model.bin", (3 << 20) + 500);
  std::vector<std::string> names;
  for (const auto& model : colorizers(folders_)) names.push_back(model.name);
  EXPECT_THAT(names, ElementsAre("ddcolor_modelscope/pytorch_model.bin", "ddcolor_artistic.pth", "zzz.pth", "ddcolor_paper_tiny.pth", "small.safetensors", "darkroom-demo.safetensors"));
}

}  // namespace
}  // namespace darkroom
