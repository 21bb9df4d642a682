#include "cli/local_restorer.hpp"

#include <fmt/format.h>

#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_status.hpp"
#include "cli/local_worker.hpp"
#include "gateway/photo_facts.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/restoration_files.hpp"
#include "restoration/failure.hpp"
#include "restoration/graph.hpp"
#include "restoration/tracker.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using restoration::Refusal;

/// Workers that one photograph may cost: as many as a job of a server.
constexpr int kAttempts = 2;
constexpr std::size_t kHead = 16;  ///< bytes by which a kind of file is known

/// A photograph's copy among the inputs of the worker, and its result: gone when it is done.
class PhotoFiles {
 public:
  PhotoFiles(const Folders& folders, std::string id) : folders_(folders) {
    facts_.id = std::move(id);
    fs::create_directories(folders.input / kRestorationFolder);
  }
  ~PhotoFiles() { remove_files(folders_, facts_); }
  PhotoFiles(const PhotoFiles&) = delete;

  void take(const fs::path& photo, restoration::PictureFile picture) {
    picture.name = std::string(kRestorationFolder) + "/" + facts_.id + picture.name;
    picture.folder = "input";
    facts_.original = std::move(picture);
    fs::copy_file(photo, path_of(folders_, facts_.original));
  }
  const std::string& name_of_original() const { return facts_.original.name; }
  std::string prefix_of_result() const { return std::string(kRestorationFolder) + "/" + facts_.id; }
  fs::path take_result(const json::object& outputs, const std::string& save_node) {
    facts_.result = result_in(folders_, dump(json::value(outputs)), save_node);
    if (!facts_.result.there()) throw InternalError("the worker saved no result");
    return path_of(folders_, facts_.result);
  }

 private:
  const Folders& folders_;
  restoration::Facts facts_;
};

std::string head_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw PhotoFailure("bad_image", "It can't be opened: " + std::generic_category().message(errno));
  std::string head(kHead, '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  return head;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class LocalRestorer final : public Restorer {
 public:
  LocalRestorer(asio::io_context& io, const RunOptions& run, RestoreWish wish)
      : wish_(std::move(wish)),
        language_(restoration::choose_language(wish_.steps.lang, "")),
        helper_(PictureHelper::beside_this_program()),
        worker_(io, run, scratch_.path / "input", scratch_.path / "output", scratch_.path) {}

  asio::awaitable<void> start() override {
    co_await worker_.start();
    able_ = restoration::abilities_of(*worker_.schemas().current(), worker_.schemas().lists());
    try {
      restoration::settle(wish_.steps, able_);
    } catch (const Refusal& refusal) {
      throw RunFailure(RunStatus::kWorkflow, refusal.text);
    }
  }

  asio::awaitable<std::string> restore(fs::path photo, TellProgress tell) override {
    try {
      co_return co_await restored(std::move(photo), tell);
    } catch (const Refusal& refusal) {
      throw PhotoFailure(refusal.code, refusal.text);
    } catch (const Error& fault) {
      throw PhotoFailure("failed", fault.what());
    } catch (const fs::filesystem_error& fault) {
      throw PhotoFailure("failed", fault.code().message());
    }
  }

  asio::awaitable<void> stop() override { co_await worker_.stop(); }
  void interrupt() override { worker_.interrupt(); }
  void kill() override { worker_.kill(); }

 private:
  asio::awaitable<std::string> restored(fs::path photo, const TellProgress& tell) {
    PhotoFiles files(worker_.folders(), uuid4());
    const fs::path file = fs::canonical(photo);  // darkroom-picture follows no links
    std::string head = head_of(file);
    restoration::PictureFile picture = co_await look_at_photo(helper_, file, std::move(head));
    files.take(file, std::move(picture));
    restoration::RestoreGraph graph = restoration::build_graph(wish_.steps, able_, files.name_of_original(), files.prefix_of_result());
    const Validation validation = co_await worker_.check(graph.prompt);
    if (!validation.ok)
      throw Refusal{"bad_options", "These steps can't be done together here: " + dump(json::value(validation.node_errors))};

    Job job;
    job.number = 0;
    job.prompt = std::move(graph.prompt);
    job.outputs = validation.outputs;
    job.create_time = now_ms();
    tracker_ = restoration::Tracker();
    tracker_.plan(restoration::plan_of(job.prompt, job.outputs));
    json::object outputs;
    co_await run(std::move(job), outputs, tell);
    const fs::path result = files.take_result(outputs, graph.save_node);
    if (wish_.format == "png") co_return bytes_of(result);
    std::vector<std::string> arguments{"convert", wish_.format};
    co_return co_await helper_.run("", std::move(arguments), result);
  }

  asio::awaitable<void> run(Job job, json::object& outputs, const TellProgress& tell) {
    const auto hear = [&](const JobEvent& event) {
      if (const auto* executed = std::get_if<NodeExecuted>(&event)) outputs[executed->ids.node] = executed->output;
      for (const auto& message : tracker_.on(event, steady_ms())) say(message, tell);
    };
    JobEnd end;
    for (job.attempt = 1; job.attempt <= kAttempts; ++job.attempt) {
      job.id = uuid4();  // a late word of a lost worker is for nobody
      end = co_await worker_.run(job, hear);
      if (end.kind != JobEnd::Kind::kLost) break;
    }
    if (end.kind == JobEnd::Kind::kInterrupted) throw RunFailure(RunStatus::kInterrupted, "interrupted");
    if (end.kind == JobEnd::Kind::kOutOfMemory) throw PhotoFailure("out_of_memory", end.text);
    if (end.kind == JobEnd::Kind::kLost) throw PhotoFailure("worker_lost", fmt::format("{}, {} times", end.text, kAttempts));
    if (end.kind != JobEnd::Kind::kFailed) co_return;
    const restoration::FailureWords words = restoration::failure_of(end.error, tracker_.stage());
    throw PhotoFailure(words.code, restoration::words(language_, words.say, words.with));
  }

  void say(const restoration::Message& message, const TellProgress& tell) const {
    PhotoProgress progress{
        .percent = message.progress, .text = restoration::words(language_, message.say, message.with), .seconds_left = {}};
    if (const auto* left = find_array(message.extra, "seconds_left"); left && left->size() == 2)
      progress.seconds_left = {(*left)[0].to_number<double>(), (*left)[1].to_number<double>()};
    tell(progress);
  }

  RestoreWish wish_;
  const restoration::Language language_;
  ScratchFolder scratch_;
  PictureHelper helper_;
  LocalWorker worker_;
  restoration::Abilities able_;
  restoration::Tracker tracker_;  ///< of the photograph at work
};

}  // namespace

std::unique_ptr<Restorer> make_local_restorer(asio::io_context& io, const RunOptions& run, RestoreWish wish) {
  return std::make_unique<LocalRestorer>(io, run, std::move(wish));
}

}  // namespace darkroom
