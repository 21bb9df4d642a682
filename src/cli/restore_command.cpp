// `darkroom restore`: old photographs, one or a folder of them, here or on a server.

#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <system_error>

#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/local_restorer.hpp"
#include "cli/restore_batch.hpp"
#include "cli/run_flags.hpp"
#include "cli/server_restorer.hpp"
#include "cli/terminal.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFooter =
    "A folder's pictures are taken, with -r those of its sub-folders, too; a pattern in quotes (\"scans/*.tif\") is understood. Results "
    "lie beside\n"
    "their originals as \"NAME restored.png\", or in the folder -o with the same sub-folders. What is done is not done again, originals "
    "are never\n"
    "written to, and a photo that fails does not keep the others from theirs: a summary at the end says which and why.\n"
    "The paths of the results go to standard output, one a line; progress goes to standard error.\n\n"
    "Exit status: 0 done · 1 a fault of this program · 2 wrong flags · 3 no photos, or the steps can't be done · 4 some failed ·\n"
    "             5 interrupted · 6 no server or no worker, or it was lost\n\n"
    "Examples:\n"
    "  darkroom restore old.jpg -o new.png --colorize --denoise 0.3 --upscale 2\n"
    "  darkroom restore -r scans -o restored --colorize --scratch 0.2 --server https://photos.example.org";

struct RestoreCommand {
  std::vector<std::string> inputs;
  fs::path output;
  std::string format;
  bool recursive = false, overwrite = false, as_json = false;
  restoration::RestoreOptions steps;
  RunOptions run;
};

[[noreturn]] void refuse(const std::string& why) { throw RunFailure(RunStatus::kUsage, why); }

/// Strengths and sizes, judged by the service's own rules.
void check_steps(restoration::RestoreOptions& steps) {
  try {
    json::object options = steps.to_json();
    if (!steps.lang.empty()) options["lang"] = steps.lang;
    steps = restoration::parse_options(dump(json::value(options)));
  } catch (const restoration::Refusal& refusal) {
    refuse(refusal.text);
  }
  if (!*steps.colorize && steps.denoise == 0 && steps.scratch == 0 && steps.upscale == 1 && steps.sharpen == 0)
    refuse("no step is on: choose at least one of --colorize, --denoise, --scratch, --upscale and --sharpen");
}

/// `-o` is a file when it is called like a picture and one file is to be restored; else a folder.
ResultPlace place_of(const RestoreCommand& command) {
  if (command.output.empty()) return {};
  std::error_code ignored;
  const std::string ending = command.output.extension().string();
  const bool is_folder = fs::is_directory(command.output, ignored) || !command.output.has_filename();
  if (is_folder || (ending.empty() || (result_format(ending).empty() && !has_picture_ending(command.output)))) {
    for (const std::string& input : command.inputs)
      if (fs::equivalent(input, command.output, ignored))
        refuse("-o is the folder of the photos: without it their results lie beside them");
    return {.file = {}, .folder = command.output};
  }
  if (result_format(ending).empty()) refuse("-o: results are png, jpeg or webp, not " + ending);
  if (command.inputs.size() != 1 || !fs::is_regular_file(command.inputs.front(), ignored))
    refuse("-o " + command.output.string() + " is one file: for several photos give a folder");
  return {.file = command.output, .folder = {}};
}

std::string format_of(const RestoreCommand& command, const ResultPlace& place) {
  const std::string asked = result_format(command.format), named = place.file.empty() ? "" : result_format(place.file.extension().string());
  if (!asked.empty() && !named.empty() && asked != named)
    refuse("--format " + command.format + " and -o " + place.file.string() + " do not agree");
  return !asked.empty() ? asked : !named.empty() ? named : "png";
}

class RestoreRun {
 public:
  explicit RestoreRun(const RestoreCommand& command)
      : command_(command), view_(std::cerr, style_of(command, terminal_), terminal_.columns) {}

  RunStatus run() {
    const ResultPlace place = place_of(command_);
    const RestoreWish wish{command_.steps, format_of(command_, place)};
    const Selection selection = select_photos(command_.inputs, command_.recursive, place.folder);
    for (const auto& problem : selection.problems)
      note({.state = PhotoOutcome::State::kFailed, .photo = problem.path, .result = {}, .code = "not_read", .why = problem.why});
    if (selection.photos.empty() && selection.problems.empty())
      throw RunFailure(RunStatus::kWorkflow,
                       std::string("there are no photos in it") + (command_.recursive ? "" : "; -r also looks into sub-folders"));
    const auto tasks = plan_restorations(selection.photos, {place, wish.format, command_.overwrite, siblings_on_disk()});
    const auto make = [&](asio::io_context& io) {
      return command_.run.server.empty() ? make_local_restorer(io, command_.run, wish) : make_server_restorer(io, command_.run, wish);
    };
    const BatchEnd end = restore_all(tasks, command_.overwrite, make, view_, [this](const PhotoOutcome& outcome) { note(outcome); });
    view_.clear();
    std::cerr << summary(outcomes_, static_cast<double>(steady_ms() - begun_ms_) / 1000, !command_.run.quiet);
    if (!end.why.empty()) throw RunFailure(end.status, end.why);
    if (end.status != RunStatus::kDone || selection.problems.empty()) return end.status;
    return selection.photos.empty() ? RunStatus::kWorkflow : RunStatus::kExecution;
  }

 private:
  static RestoreView::Style style_of(const RestoreCommand& command, const Terminal& terminal) {
    if (command.run.quiet) return RestoreView::Style::kSilent;
    return terminal.interactive ? RestoreView::Style::kBar : RestoreView::Style::kLines;
  }

  /// Results go to standard output as they come, everything else that people may want to know to standard error.
  void note(const PhotoOutcome& outcome) {
    using State = PhotoOutcome::State;
    if (outcome.state == State::kDoneBefore && !terminal_.interactive)
      view_.say("skipped " + printable(outcome.photo.string()) + ": " + printable(outcome.result.string()) + " is done");
    if (outcome.state == State::kFailed && (terminal_.interactive || !outcome.was_begun))
      view_.say("failed " + printable(outcome.photo.string()) + ": " + printable(outcome.why));
    std::string line;
    if (command_.as_json) line = json_line(outcome);
    else if (outcome.state == State::kRestored) line = outcome.result.string();
    if (!line.empty()) {
      if (terminal_.interactive) view_.clear();
      std::cout << line << std::endl;
    }
    outcomes_.push_back(outcome);
  }

  const RestoreCommand& command_;
  const Terminal terminal_ = terminal_of_stderr();
  const std::int64_t begun_ms_ = steady_ms();
  RestoreView view_;
  std::vector<PhotoOutcome> outcomes_;
};

RunStatus restore(RestoreCommand& command) {
  log::setup("darkroom", command.run.verbose);
  try {
    check_steps(command.steps);
    return RestoreRun(command).run();
  } catch (const RunFailure& failure) {
    std::fprintf(stderr, "darkroom: %s\n", failure.what());
    return failure.status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "darkroom: %s\n", error.what());
    return RunStatus::kInternal;
  }
}

void add_step_flags(CLI::App& command, restoration::RestoreOptions& steps) {
  const std::string group = "What is done, in this order";
  const CLI::Range strength(0.0, 1.0);
  command.add_option("--denoise", steps.denoise, "Removes noise; strength 0 to 1")->check(strength)->group(group);
  command.add_option("--scratch", steps.scratch, "Repairs scratches; 0 to 1 says how faint a line may be to count as one, 0.2 is gentle")
      ->check(strength)
      ->group(group);
  command
      .add_flag_callback(
          "--colorize", [&steps] { steps.colorize = true; }, "Gives it colours")
      ->group(group);
  command.add_option("--upscale", steps.upscale, "Enlarges it 2 or 4 times")->check(CLI::IsMember({1, 2, 4}))->group(group);
  command.add_option("--sharpen", steps.sharpen, "Sharpens it; strength 0 to 1")->check(strength)->group(group);

  const std::string how = "How";
  command.add_option("--model", steps.model, "Colouriser, by its name in models/ddcolor (default: the best there)")
      ->type_name("NAME")
      ->group(how);
  command
      .add_option("--upscale-model", steps.upscale_model, "Upscaler, by its name in models/upscale_models (default: the quickest there)")
      ->type_name("NAME")
      ->group(how);
  command
      .add_option("--size", steps.size,
                  "Side of what the colouriser sees, pixels: a multiple of 32 from 256 to 1024 (default: what it was made for)")
      ->group(how);
  command.add_flag("--keep-gps", steps.keep_gps, "Leaves in the result where the picture was taken")->group(how);
  command.add_option("--lang", steps.lang, "Language of the stages: en or zh")->check(CLI::IsMember({"en", "zh"}))->group(how);
}

}  // namespace

void add_restore_command(CLI::App& app, int& status) {
  CLI::App* restore_photos = app.add_subcommand("restore", "Restores old photographs, one or a folder of them, here or on a server");
  restore_photos->footer(kFooter);
  const auto command = std::make_shared<RestoreCommand>();
  command->steps.colorize = false;
  restore_photos->add_option("photos", command->inputs, "Files, folders and patterns")->required()->type_name("PATH");
  restore_photos
      ->add_option("-o,--output", command->output, "Folder of the results; for one photo also their file (default: beside the originals)")
      ->type_name("PATH");
  restore_photos->add_flag("-r,--recursive", command->recursive, "Goes into the sub-folders of folders");
  restore_photos->add_flag("--overwrite", command->overwrite,
                           "Does again what is done, and replaces files that are in the way; never a photo");
  restore_photos->add_option("--format", command->format, "Of the results: png, jpeg or webp (default: by the name of -o, else png)")
      ->check(CLI::IsMember({"png", "jpeg", "jpg", "webp"}, CLI::ignore_case));
  restore_photos->add_flag("--json", command->as_json, "For programs: a line of JSON a photo instead of the paths");
  add_step_flags(*restore_photos, command->steps);
  add_place_flags(*restore_photos, command->run);
  restore_photos->callback([command, &status] { status = static_cast<int>(restore(*command)); });
}

}  // namespace darkroom
