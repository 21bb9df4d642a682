#include "storage/folders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using Names = std::vector<std::string>;

TEST(Folders, have_the_keys_of_the_protocol_in_order) {
  const Folders folders = Folders::below("/data");
  Names keys;
  for (const auto& folder : folders.models) keys.push_back(folder.key);
  EXPECT_THAT(keys, ElementsAre("checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision", "style_models",
                                "embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models", "latent_upscale_models",
                                "custom_nodes", "hypernetworks", "photomaker", "classifiers", "model_patches", "audio_encoders", "ddcolor", "denoise"));
  EXPECT_THAT(folders.model_folder("text_encoders")->paths, ElementsAre("/data/models/text_encoders", "/data/models/clip", "/data/output/clip"));
  EXPECT_THAT(folders.model_folder("unet")->paths, ElementsAre("/data/models/unet", "/data/models/diffusion_models", "/data/output/diffusion_models"));
  EXPECT_THAT(folders.model_folder("loras")->paths, ElementsAre("/data/models/loras", "/data/output/loras"));
  EXPECT_EQ(folders.model_folder("clip"), folders.model_folder("text_encoders"));
  EXPECT_EQ(folders.model_folder("nope"), nullptr);
}

TEST(Folders, survive_the_way_to_a_worker) {
  ScratchFolder scratch;
  const Folders folders = Folders::below(scratch.path());
  const Folders copy = Folders::from_json(parse_json(dump(folders.to_json())).as_object());
  EXPECT_EQ(dump(copy.to_json()), dump(folders.to_json()));
  EXPECT_THROW(Folders::from_json({}), InvalidInput);
}

TEST(Folders, moving_the_output_moves_its_model_folders) {
  Folders folders = Folders::below("/data");
  folders.use_output("/elsewhere/out");
  EXPECT_EQ(folders.output, "/elsewhere/out");
  EXPECT_THAT(folders.model_folder("vae")->paths, ElementsAre("/data/models/vae", "/elsewhere/out/vae"));
}

TEST(Folders, are_made_where_missing) {
  ScratchFolder scratch;
  Folders::below(scratch.path()).create_missing();
  for (const char* name : {"input", "output", "temp", "user", "custom_nodes", "models/checkpoints", "models/diffusion_models", "models/upscale_models"})
    EXPECT_TRUE(fs::is_directory(scratch / name)) << name;
  scratch.write("blocked", "a file");
  EXPECT_THROW(Folders::below(scratch / "blocked").create_missing(), InvalidInput);
}

TEST(ModelLists, go_deep_follow_links_and_skip_what_is_no_model) {
  ScratchFolder scratch, elsewhere;
  const Folders folders = Folders::below(scratch.path());
  scratch.write("models/loras/b.safetensors");
  scratch.write("models/loras/sub/a.PT");
  scratch.write("models/loras/.git/x.pt");
  scratch.write("models/loras/readme.md");
  scratch.write("output/loras/b.safetensors");
  scratch.write("output/loras/c.ckpt");
  elsewhere.write("d.sft");
  fs::create_directory_symlink(elsewhere.path(), scratch / "models/loras/linked");
  fs::create_directory_symlink(scratch / "models/loras", scratch / "models/loras/sub/again");
  EXPECT_THAT(folders.list_models("loras"), ElementsAre("b.safetensors", "c.ckpt", "linked/d.sft", "sub/a.PT"));
  EXPECT_EQ(folders.find_model("loras", "b.safetensors"), scratch / "models/loras/b.safetensors");
  EXPECT_EQ(folders.find_model("loras", "linked/d.sft"), scratch / "models/loras/linked/d.sft");
  EXPECT_EQ(folders.find_model("loras", "none.pt"), std::nullopt);
  EXPECT_EQ(folders.find_model("nope", "b.safetensors"), std::nullopt);
  for (const std::string& name : {std::string("../vae/x.pt"), std::string("/etc/passwd"), std::string("a\0b", 3), std::string("sub\\..\\..\\x"), std::string()})
    EXPECT_THROW(folders.find_model("loras", name), Forbidden) << name;
}

TEST(ModelLists, know_the_special_keys) {
  ScratchFolder scratch;
  const Folders folders = Folders::below(scratch.path());
  scratch.write("models/configs/v1.yaml");
  scratch.write("models/configs/v1.safetensors");
  scratch.write("models/classifiers/plain");
  scratch.write("models/classifiers/x.pt");
  scratch.write("models/diffusers/sd15/model_index.json");
  scratch.write("models/diffusers/sd15/unet/x.bin");
  scratch.write("models/diffusers/notes/readme");
  scratch.write("custom_nodes/pack/__init__.py");
  EXPECT_THAT(folders.list_models("configs"), ElementsAre("v1.yaml"));
  EXPECT_THAT(folders.list_models("classifiers"), ElementsAre("plain"));
  EXPECT_THAT(folders.list_models("diffusers"), ElementsAre("sd15"));
  EXPECT_EQ(folders.find_model("diffusers", "sd15"), scratch / "models/diffusers/sd15");
  EXPECT_THAT(folders.list_models("custom_nodes"), ElementsAre("pack/__init__.py"));
}

TEST(Folders, demonstrations_are_listed_last) {
  ScratchFolder scratch;
  const Folders folders = Folders::below(scratch.path());
  for (const char* name : {"a.safetensors", "darkroom-demo.safetensors", "darkroom-demo-too.safetensors", "zz/own.safetensors"})
    scratch.write(std::string("models/checkpoints/") + name);
  EXPECT_THAT(folders.list_models("checkpoints"),
              ElementsAre("a.safetensors", "zz/own.safetensors", "darkroom-demo-too.safetensors", "darkroom-demo.safetensors"));
}

TEST(Folders, shipped_models_lie_above_the_program_and_demonstrations_below_them) {
  ScratchFolder checkout;
  checkout.write("models/LICENSES.md");
  checkout.write("models/demonstration/ddcolor/darkroom-demo.safetensors");
  const auto program = checkout / "build/release/bin/darkroom";
  EXPECT_THAT(shipped_model_folders(program, true), IsSupersetOf({checkout / "models", checkout / "models/demonstration"}));
  EXPECT_THAT(shipped_model_folders(program, false), Contains(checkout / "models"));
  EXPECT_THAT(shipped_model_folders(program, false), Not(Contains(checkout / "models/demonstration")));
}

TEST(ModelLists, show_a_pair_once_and_find_shipped_weights_by_their_usual_names) {
  ScratchFolder own, shipped;
  shipped.write("upscale_models/realesrgan-x4plus.param");
  shipped.write("upscale_models/realesrgan-x4plus.bin");
  shipped.write("upscale_models/alone.bin");
  const Folders folders = Folders::below(own.path(), {shipped.path()});
  EXPECT_THAT(folders.list_models("upscale_models"), ElementsAre("alone.bin", "realesrgan-x4plus.param"));
  EXPECT_EQ(folders.find_model("upscale_models", "RealESRGAN_x4plus.pth"), shipped / "upscale_models/realesrgan-x4plus.param");
  EXPECT_EQ(folders.find_model("upscale_models", "RealESRGAN_x4plus_anime_6B.pth"), std::nullopt);
  own.write("models/upscale_models/RealESRGAN_x4plus.pth");
  EXPECT_EQ(folders.find_model("upscale_models", "RealESRGAN_x4plus.pth"), own / "models/upscale_models/RealESRGAN_x4plus.pth");
}

TEST(ModelLists, end_at_a_depth) {
  ScratchFolder scratch;
  const Folders folders = Folders::below(scratch.path());
  std::string deepest = "models/loras/";
  for (int level = 1; level < 32; ++level) deepest += "d/";
  scratch.write(deepest + "listed.pt");
  scratch.write(deepest + "d/too_deep.pt");
  EXPECT_THAT(folders.list_models("loras"), ElementsAre(testing::EndsWith("/listed.pt")));
}

TEST(InputFiles, are_plain_files_of_the_wanted_types) {
  ScratchFolder scratch, elsewhere;
  const Folders folders = Folders::below(scratch.path());
  elsewhere.write("secret.png");
  scratch.write("input/b.png");
  scratch.write("input/a.jpg");
  scratch.write("input/film.mp4");
  scratch.write("input/notes.txt");
  scratch.write("input/sub/c.png");
  scratch.write("input/\xff.png");
  fs::create_symlink(elsewhere / "secret.png", scratch / "input/secret.png");
  fs::create_symlink("b.png", scratch / "input/same.png");
  EXPECT_THAT(folders.list_input_files("image"), ElementsAre("a.jpg", "b.png", "same.png"));
  EXPECT_THAT(folders.list_input_files("image, video"), ElementsAre("a.jpg", "b.png", "film.mp4", "same.png"));
  EXPECT_THAT(folders.list_input_files(""), ElementsAre("a.jpg", "b.png", "film.mp4", "notes.txt", "same.png"));
  EXPECT_THAT(Folders::below(scratch / "none").list_input_files("image"), ElementsAre());
}

TEST(AnnotatedNames, choose_their_folder_and_stay_in_it) {
  ScratchFolder scratch;
  const Folders folders = Folders::below(scratch.path());
  EXPECT_EQ(folders.annotated("a.png"), scratch / "input/a.png");
  EXPECT_EQ(folders.annotated("sub/a.png [output]"), scratch / "output/sub/a.png");
  EXPECT_EQ(folders.annotated("a.png [temp]", "output"), scratch / "temp/a.png");
  EXPECT_EQ(folders.annotated("a.png", "output"), scratch / "output/a.png");
  for (const char* name : {"../a.png", "/etc/passwd", "x/../../a [output]", "C:\\a.png"}) EXPECT_THROW(folders.annotated(name), Forbidden) << name;
  EXPECT_THROW(folders.annotated(std::string_view("a\0b", 3)), Forbidden);
}

TEST(ExtraPaths, add_sections_as_comfyui_writes_them) {
  ScratchFolder scratch;
  Folders folders = Folders::below("/data");
  const auto yaml = scratch.write("extra.yaml", R"(
a111:
    base_path: sd/
    checkpoints: models/Stable-diffusion
    upscale_models: |
        models/ESRGAN/
        /abs/RealESRGAN
    unet: more
    loras:
first:
    base_path: /best
    is_default: true
    vae: |
      one
      two
    my_own: things
empty:
)");
  folders.add_extra_paths(yaml);
  EXPECT_THAT(folders.model_folder("checkpoints")->paths,
              ElementsAre("/data/models/checkpoints", "/data/output/checkpoints", scratch / "sd/models/Stable-diffusion"));
  EXPECT_THAT(folders.model_folder("upscale_models")->paths, ElementsAre("/data/models/upscale_models", scratch / "sd/models/ESRGAN", "/abs/RealESRGAN"));
  EXPECT_EQ(folders.model_folder("diffusion_models")->paths.back(), scratch / "sd/more");
  EXPECT_THAT(folders.model_folder("vae")->paths, ElementsAre("/best/one", "/best/two", "/data/models/vae", "/data/output/vae"));
  ASSERT_NE(folders.model_folder("my_own"), nullptr);
  EXPECT_THAT(folders.model_folder("my_own")->paths, ElementsAre("/best/things"));
  EXPECT_TRUE(folders.model_folder("my_own")->extensions.empty());
}

TEST(ExtraPaths, have_a_limit) {
  ScratchFolder scratch;
  Folders folders = Folders::below("/data");
  std::string text = "a:\n  loras: /x\n#";
  text.resize(1u << 20, '.');
  EXPECT_NO_THROW(folders.add_extra_paths(scratch.write("extra.yaml", text)));
  EXPECT_THROW(folders.add_extra_paths(scratch.write("extra.yaml", text + ".")), Error);
}

TEST(ExtraPaths, say_where_a_fault_is) {
  ScratchFolder scratch;
  const auto fault_of = [&](std::string_view text) -> std::string {
    Folders folders = Folders::below("/data");
    try {
      folders.add_extra_paths(scratch.write("extra.yaml", text));
    } catch (const InvalidInput& fault) {
      return fault.what();
    }
    return "no fault";
  };
  EXPECT_THAT(fault_of("a:\n  b: [1\n"), HasSubstr("line 3"));
  EXPECT_THAT(fault_of("a:\n  base_path: x\n  vae: [x, y]\n"), HasSubstr("line 3: vae must be a text"));
  EXPECT_THAT(fault_of("- a\n- b\n"), HasSubstr("expected sections"));
  EXPECT_THAT(fault_of("a: text\n"), HasSubstr("line 1: a must hold keys"));
  EXPECT_THAT(fault_of("a:\n  is_default: [1]\n"), HasSubstr("line 2: is_default"));
  EXPECT_EQ(fault_of(""), "no fault");
  Folders folders = Folders::below("/data");
  EXPECT_THROW(folders.add_extra_paths(scratch / "none.yaml"), InvalidInput);
}

}  // namespace
}  // namespace darkroom
