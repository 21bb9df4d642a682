// `darkroom txt2img` and `darkroom img2img`: a picture without drawing a graph.

#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <memory>
#include <random>
#include <tuple>

#include "base/error.hpp"
#include "cli/checkpoint_choice.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/run_flags.hpp"
#include "drawing/picture_workflow.hpp"

namespace darkroom {
namespace {

struct PictureOptions {
  PictureRequest request;
  std::string size;  ///< "": what the model was made for
  std::optional<std::uint64_t> seed;
  std::filesystem::path picture;
  RunOptions run;
};

/// Asks for nothing but the graph to be run; a seed that isn't given is drawn, and said.
int make_picture(PictureOptions options) {
  try {
    auto size = std::tie(options.request.width, options.request.height);
    if (!options.size.empty()) size = picture_size(options.size);  // says what is wrong before anything is asked
    std::string note;
    if (options.request.model.empty()) options.request.model = first_checkpoint(checkpoints_of(options.run), note);
    if (!note.empty() && !options.run.quiet) std::fprintf(stderr, "%s\n", note.c_str());
    if (options.size.empty() && options.picture.empty()) size = native_size(options.run, options.request.model);
    std::random_device device;
    options.request.seed = options.seed ? *options.seed : static_cast<std::uint64_t>(device()) << 32 | device();
    if (!options.picture.empty()) {
      options.request.picture = options.picture.filename().string();
      options.run.inputs.push_back(options.picture);
    }
    options.run.text = dump(picture_workflow(options.request));
  } catch (const RunFailure& failure) {
    std::fprintf(stderr, "darkroom: %s\n", failure.what());
    return static_cast<int>(failure.status);
  } catch (const InvalidInput& error) {
    std::fprintf(stderr, "darkroom: %s\n", error.what());
    return static_cast<int>(RunStatus::kUsage);
  }
  if (!options.seed && !options.run.quiet) std::fprintf(stderr, "seed %llu\n", static_cast<unsigned long long>(options.request.seed));
  return static_cast<int>(run_workflow(options.run));
}

void add_picture_options(CLI::App& command, PictureOptions& options) {
  auto& request = options.request;
  command.add_option("prompt", request.prompt, "What the picture shows; (words:1.2) weighs them")->required();
  command.add_option("--model", request.model,
                     "Checkpoint, by its name below models/checkpoints (default: the first one there, demonstrations last)");
  command.add_option("--negative", request.negative, "What it does not show");
  command.add_option("--steps", request.steps, "How often the model is asked")->check(CLI::Range(1, 10000));
  command.add_option("--cfg", request.cfg, "How strongly the prompt is followed")->check(CLI::Range(0.0, 100.0));
  command.add_option("--sampler", request.sampler, "Sampler, by its name in KSampler");
  command.add_option("--scheduler", request.scheduler, "Scheduler, by its name in KSampler");
  command.add_option("--seed", options.seed, "The same seed makes the same picture (default: drawn)");
  command.add_option("--batch", request.batch, "How many pictures")->check(CLI::Range(1, 4096));
  command.add_option("--lora", request.loras, "NAME or NAME:STRENGTH; may be given several times")->expected(1)->take_all();
  add_run_flags(command, options.run);
}

}  // namespace

void add_picture_commands(CLI::App& app, int& status) {
  const auto from_text = std::make_shared<PictureOptions>();
  CLI::App* text = app.add_subcommand("txt2img", "Makes a picture from text, here or on a server");
  text->footer("Example:\n  darkroom txt2img \"a red fox in the snow\" --model sd15.safetensors --size 512x768 --steps 25 --seed 7 -o pictures");
  add_picture_options(*text, *from_text);
  text->add_option("--size", from_text->size, "WIDTHxHEIGHT in pixels, multiples of 8  [what the model was made for]");
  text->callback([from_text, &status] { status = make_picture(*from_text); });

  const auto from_picture = std::make_shared<PictureOptions>();
  from_picture->request.denoise = 0.6;
  CLI::App* picture = app.add_subcommand("img2img", "Makes a picture from a picture and text, here or on a server");
  picture->footer("Example:\n  darkroom img2img sketch.png \"an oil painting of a harbour\" --denoise 0.6 --model sd15.safetensors");
  picture->add_option("picture", from_picture->picture, "The picture to begin with")->required()->check(CLI::ExistingFile);
  add_picture_options(*picture, *from_picture);
  picture->add_option("--denoise", from_picture->request.denoise, "How much is made anew, 0 to 1")->capture_default_str()->check(CLI::Range(0.0, 1.0));
  picture->callback([from_picture, &status] { status = make_picture(*from_picture); });
}

}  // namespace darkroom
