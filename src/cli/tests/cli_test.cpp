#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "base/gpus.hpp"
#include "base/percent.hpp"
#include "cli/exit_status.hpp"
#include "cli/hardware.hpp"
#include "cli/progress_view.hpp"
#include "cli/report.hpp"
#include "cli/workflow_file.hpp"
#include "client/client.hpp"
#include "client/results.hpp"
#include "client/server_url.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "cli-test-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Scratch() { fs::remove_all(path); }
  fs::path path;
};

json::object sample() {
  return parse_json(R"({"1": {"class_type": "EmptyImage", "inputs": {}}, "2": {"class_type": "ImageScale", "inputs": {"image": ["1", 0]}, "_meta": {"title": "Big\u001b[2Jger"}},
                        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}}, "4": {"class_type": "EmptyImage", "inputs": {}}})").as_object();
}

// -- progress ----------------------------------------------------------------------------------------------------------

TEST(ProgressLines, OneForEachThingThatHappens) {
  std::ostringstream out;
  ProgressView view(out, ProgressView::Style::kLines);
  view.begin(sample(), 3);
  view.cached("1");
  view.started("2");
  view.started("2");  // taken up again after lazy inputs
  for (int i = 1; i <= 100; ++i) view.step("2", i, 100);
  view.finished("2");
  view.finished("2");
  view.say("a note");
  const std::string text = out.str();
  EXPECT_THAT(text, testing::StartsWith("cached   1 EmptyImage\nrunning  2 Big[2Jger (ImageScale)\n         2 Big[2Jger (ImageScale)  10/100\n")) << "and no escape sequence of the file's";
  EXPECT_THAT(text, testing::EndsWith("  100/100\nfinished 2 Big[2Jger (ImageScale)\na note\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2 + 10 + 2);
}

TEST(ProgressBar, ShowsItsShareAndFitsTheTerminal) {
  std::ostringstream out;
  {
    ProgressView view(out, ProgressView::Style::kBar, 40);
    view.begin(sample(), 4);
    EXPECT_THAT(out.str(), HasSubstr("[........................] 0/4"));
    view.say("a note");  // the bar is drawn anew below it
    view.cached("1");
  }
  EXPECT_THAT(out.str(), testing::EndsWith("\r\x1b[K")) << "nothing is left behind";
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line, '\r');) EXPECT_LE(line.size(), 40u + 4u);
}

TEST(ProgressSilent, SaysOnlyWhatIsSaid) {
  std::ostringstream out;
  ProgressView view(out, ProgressView::Style::kSilent);
  view.begin(sample(), 3);
  view.started("2");
  view.finished("2");
  EXPECT_EQ(out.str(), "");
}

TEST(NodesNeeded, CountsWhatTheOutputsReach) {
  EXPECT_EQ(nodes_needed(sample(), {"3"}), 3u);
  EXPECT_EQ(nodes_needed(sample(), {"3", "4"}), 4u);
  EXPECT_EQ(nodes_needed(sample(), {"nowhere"}), 0u);
  EXPECT_EQ(nodes_needed(parse_json(R"({"1": {"inputs": {"a": ["1", 0]}}})").as_object(), {"1"}), 1u) << "a circle ends";
}

// -- results -----------------------------------------------------------------------------------------------------------

TEST(Results, FilesAndTextsInOrderEachOnce) {
  const auto results = results_of(parse_json(R"({"9": {"images": [{"filename": "a.png", "subfolder": "s", "type": "output"}, {"filename": "a.png", "subfolder": "s", "type": "output"}],
                                                       "animated": [true]}, "5": {"text": ["hello"], "names": ["no text"]}, "6": null,
                                                 "7": {"latents": [{"filename": "l.latent", "subfolder": "", "type": "temp"}], "odd": 3}})").as_object());
  EXPECT_THAT(results.files, ElementsAre(ResultFile{"9", "a.png", "s", "output"}, ResultFile{"7", "l.latent", "", "temp"}));
  ASSERT_EQ(results.texts.size(), 1u);
  EXPECT_EQ(results.texts[0].second, "hello");
}

TEST(Results, PlacesAreNewAndInsideTheFolder) {
  const Scratch scratch;
  EXPECT_EQ(place_for({"1", "a.png", "sub", "output"}, scratch.path), scratch.path / "sub/a.png");
  std::ofstream(scratch.path / "sub/a.png") << "x";
  EXPECT_EQ(place_for({"1", "a.png", "sub", "output"}, scratch.path), scratch.path / "sub/a (1).png");
  EXPECT_EQ(place_for({"1", "b.png", "", "temp"}, scratch.path / "new"), scratch.path / "new/b.png");
  EXPECT_THROW(place_for({"1", "../b.png", "", "output"}, scratch.path), Forbidden);
  EXPECT_THROW(place_for({"1", "b.png", "..", "output"}, scratch.path), Forbidden);
  EXPECT_THROW(place_for({"1", ".", "", "output"}, scratch.path), Forbidden);
  EXPECT_THROW(place_for({"1", "..", "a", "output"}, scratch.path), Forbidden);
  EXPECT_THROW(place_for({"1", "/etc/passwd", "", "output"}, scratch.path), Error);
}

// -- the server's address ------------------------------------------------------------------------------------------------

TEST(ServerUrl, IsTakenApart) {
  const auto whole = ServerUrl::parse("http://host.example:8188/api/");
  EXPECT_EQ(whole.host, "host.example");
  EXPECT_EQ(whole.port, "8188");
  EXPECT_EQ(whole.base, "/api");
  EXPECT_EQ(ServerUrl::parse("127.0.0.1:8188").authority(), "127.0.0.1:8188");
  EXPECT_EQ(ServerUrl::parse("HTTP://host").port, "80");
  EXPECT_EQ(ServerUrl::parse("http://[::1]:9").authority(), "[::1]:9");
  EXPECT_EQ(ServerUrl::parse("http://[::1]:9").host, "::1");
  const auto secure = ServerUrl::parse("https://host.example/x");
  EXPECT_TRUE(secure.tls);
  EXPECT_EQ(secure.port, "443");
  EXPECT_EQ(ServerUrl::parse("https://[::1]:8443").authority(), "[::1]:8443");
  EXPECT_FALSE(whole.tls);
  for (const char* bad : {"", "ftp://host", "http://", "http://:80", "host:port", "http://[::1", "http://[::1]x", "host:123456"}) EXPECT_THROW(ServerUrl::parse(bad), InvalidInput) << bad;
  EXPECT_EQ(percent_encode("a b/ü.png"), "a%20b%2F%C3%BC.png");
}

// -- the workflow's file ---------------------------------------------------------------------------------------------------

TEST(WorkflowFile, FaultsEndTheRun) {
  const Scratch scratch;
  const auto status_of = [](const auto& work) {
    try {
      work();
    } catch (const RunFailure& failure) {
      return failure.status;
    }
    return RunStatus::kDone;
  };
  EXPECT_EQ(status_of([&] { read_workflow({.file = (scratch.path / "none.json").string()}); }), RunStatus::kWorkflow);
  EXPECT_EQ(status_of([&] { read_workflow({.file = scratch.path.string()}); }), RunStatus::kWorkflow);
  RunOptions options;
  EXPECT_EQ(status_of([&] { prepare_workflow("{", options, SchemaSet()); }), RunStatus::kWorkflow);
  options.edits = {"7.text=x"};
  EXPECT_EQ(status_of([&] { prepare_workflow(R"({"1": {"class_type": "A", "inputs": {}}})", options, SchemaSet()); }), RunStatus::kWorkflow);
}

TEST(WorkflowFile, EditsWinOverTheSeed) {
  RunOptions options;
  options.seed = 7;
  options.edits = {"1.seed=9"};
  const auto prepared = prepare_workflow(R"({"1": {"class_type": "A", "inputs": {"seed": 1}}, "2": {"class_type": "A", "inputs": {"noise_seed": 1}}})", options, SchemaSet());
  EXPECT_EQ(prepared.prompt.at("1").at("inputs").at("seed"), 9);
  EXPECT_EQ(prepared.prompt.at("2").at("inputs").at("noise_seed"), 7);
  EXPECT_TRUE(prepared.extra_pnginfo.empty());
}

TEST(WorkflowFile, RefusalsAndFailuresInWords) {
  const json::object node_errors = parse_json(R"({"2": {"errors": [{"type": "t", "message": "Value not in list", "details": "mode: 'x' not in ['a']"}], "dependent_outputs": ["3"], "class_type": "ImageScale"}})").as_object();
  EXPECT_THAT(client::describe_refusal({{"message", "Prompt outputs failed validation"}, {"details", ""}}, node_errors, sample()),
              HasSubstr("Prompt outputs failed validation\n  node 2 (ImageScale, \"Big"));
  EXPECT_EQ(client::describe_refusal({{"message", "Cannot execute"}, {"details", "Node ID '#1'"}}, {}, sample()),
            "Cannot execute (Node ID '#1')");
  const json::object failure{{"node_id", "5"}, {"node_type", "T"}, {"exception_type", "ValueError"}, {"exception_message", "boom\n"}, {"traceback", json::array{"  line 1\n"}}};
  EXPECT_EQ(client::describe_failure(client::read_failure(failure)), "node 5 (T) failed: ValueError: boom");
  EXPECT_EQ(client::describe_failure(client::read_failure(failure), true), "node 5 (T) failed: ValueError: boom\n  line 1");
}

// -- doctor ------------------------------------------------------------------------------------------------------------------

TEST(Hardware, ProcessorOfCpuinfo) {
  const auto processor = parse_cpuinfo("processor\t: 0\nmodel name\t: Example CPU @ 2.0GHz\nflags\t\t: fpu avx2 amx_bf16 sse4_2 avx512f\n\nprocessor\t: 1\nmodel name\t: Example CPU @ 2.0GHz\nflags\t\t: fpu\n");
  EXPECT_EQ(processor.model, "Example CPU @ 2.0GHz");
  EXPECT_EQ(processor.threads, 2u);
  EXPECT_THAT(processor.features, ElementsAre("sse4_2", "avx2", "avx512f", "amx_bf16"));
  EXPECT_EQ(parse_cpuinfo("").threads, 0u);
}

TEST(Hardware, GpusOfTheDriver) {
  const Scratch scratch;
  fs::create_directories(scratch.path / "0000:01:00.0");
  std::ofstream(scratch.path / "0000:01:00.0/information") << "Model: \t\t NVIDIA Example\nIRQ:   \t\t 1\n";
  EXPECT_THAT(nvidia_gpus(scratch.path), ElementsAre("NVIDIA Example"));
  EXPECT_TRUE(nvidia_gpus(scratch.path / "none").empty());
}

TEST(Report, SaysWhatToDoOnce) {
  Report report;
  report.section("Things");
  report.good("here", "yes");
  report.absent("rare", "no");
  EXPECT_TRUE(report.complete());
  report.missing("editor", "no", "Run it");
  report.missing("models", "no", "Run it");
  EXPECT_FALSE(report.complete());
  std::ostringstream out;
  report.print(out, false);
  EXPECT_EQ(out.str(), "Things\n  ok here                   yes\n  -  rare                   no\n  !! editor                 no\n  !! models                 no\nTo do\n  Run it\n");
  EXPECT_EQ(size_text(17), "17 B");
  EXPECT_EQ(size_text(512u << 20), "512 MiB");
  EXPECT_EQ(size_text(3435973837u), "3.2 GiB");
}

}  // namespace
}  // namespace darkroom
