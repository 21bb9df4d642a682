#include "restoration/tracker.hpp"

#include <gtest/gtest.h>

#include "restoration/failure.hpp"

namespace darkroom::restoration {
namespace {

Plan plan() {
  const json::value prompt = parse_json(R"({"1":{"class_type":"RestoreLoad","inputs":{}},"2":{"class_type":"UpscaleModelLoader","inputs":{}},
      "3":{"class_type":"RestoreModels","inputs":{"image":["1",0],"model_1":["2",0]}},"4":{"class_type":"RestoreDenoise","inputs":{"image":["3",0]}},
      "5":{"class_type":"ImageUpscaleWithModel","inputs":{"image":["4",0],"upscale_model":["2",0]}},"6":{"class_type":"RestoreSave","inputs":{"images":["5",0]}}})");
  return plan_of(prompt.as_object(), {"6"});
}

/// A tracker that writes down what it says: "stage source progress".
class Watched {
 public:
  Watched() { tracker.plan(plan()); }
  std::vector<std::string> on(const JobEvent& event, std::int64_t now = 0) {
    std::vector<std::string> words;
    for (const Message& message : tracker.on(event, now)) {
      const json::object body = kept(message);
      words.push_back(std::string(name_of(message.stage)) + (message.source.empty() ? "" : " " + message.source) + " " + dump(body.at("progress")));
      all.push_back(message);
    }
    return words;
  }
  std::vector<std::string> start(const char* id, std::int64_t now = 0) { return on(NodeStarted{NodeIds::plain(id)}, now); }
  std::vector<std::string> finish(const char* id, std::int64_t now = 0) { return on(NodeFinished{NodeIds::plain(id)}, now); }
  std::vector<std::string> step(const char* id, int value, int max, std::int64_t now) { return on(NodeProgress{.node = id, .value = value, .max = max}, now); }
  Tracker tracker;
  std::vector<Message> all;
};
using Words = std::vector<std::string>;

TEST(Tracker, StagesComeInTheirOrder) {
  Watched job;
  EXPECT_EQ(job.tracker.uploading(50, 100).progress, 2.5);
  EXPECT_EQ(job.on(JobStarted{}), Words{"preprocess 5"});
  EXPECT_EQ(job.start("1"), Words{});
  EXPECT_EQ(job.start("2"), Words{"load_model 8"});
  EXPECT_EQ(job.start("3"), Words{});
  EXPECT_EQ(job.step("3", 1, 2, 500), Words{"load_model 10"});
  EXPECT_EQ(words_of(kept(job.all.back()), Language::kEnglish), "Opening the models: 1 of 2 done");
  EXPECT_EQ(job.step("3", 2, 2, 900), Words{"load_model 12"});
  EXPECT_EQ(job.start("4"), Words{"inference denoise 12"});
  EXPECT_EQ(job.step("3", 2, 2, 950), Words{}) << "its time is over";
  EXPECT_EQ(job.step("4", 1, 2, 1000), Words{"inference denoise 21.6"});
  EXPECT_EQ(job.finish("4"), Words{"inference denoise 31.2"});
  EXPECT_EQ(job.start("5"), Words{"inference upscale 31.2"});
  EXPECT_EQ(job.step("5", 4, 4, 5000), Words{"inference upscale 95"});
  job.finish("5");
  EXPECT_EQ(job.start("6"), Words{"postprocess 95"});
  EXPECT_EQ(job.on(JobSucceeded{}), Words{});
  const Message last = job.tracker.complete("/results/x/result.png");
  EXPECT_EQ(last.progress, 100);
  EXPECT_EQ(sent(kept(last), 7, "x", Language::kEnglish),
            R"({"seq":7,"job_id":"x","stage":"complete","message":"Done","progress":100,"source":null,"result_url":"/results/x/result.png"})");
}

TEST(Tracker, EveryStageIsSaidAlsoWhereNothingHappens) {
  Watched job;
  job.on(JobStarted{});
  EXPECT_EQ(job.on(NodesCached{{"1", "2", "3", "4", "5"}}), Words{});
  EXPECT_EQ(job.start("6"), (Words{"load_model 8", "inference upscale 12", "postprocess 95"}));
}

TEST(Tracker, ASecondAttemptTakesNothingBack) {
  Watched job;
  job.on(JobStarted{});
  job.start("4");
  job.step("4", 1, 2, 1000);
  EXPECT_EQ(job.on(JobStarted{}), Words{"inference 21.6"});
  EXPECT_EQ(job.all.back().say, "again");
  EXPECT_EQ(job.start("1"), Words{});
  EXPECT_EQ(job.start("4"), Words{"inference denoise 21.6"});
  EXPECT_EQ(job.step("4", 0, 2, 1000), Words{"inference denoise 21.6"});
  EXPECT_EQ(job.step("4", 2, 2, 1000), Words{"inference denoise 31.2"});
}

TEST(Tracker, AServerThatStartedAnewGoesOn) {
  Tracker tracker(Stage::kInference, 40);
  tracker.plan(plan());
  const auto first = tracker.on(JobStarted{}, 0);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].stage, Stage::kInference);
  EXPECT_EQ(first[0].progress, 40);
}

TEST(Tracker, WorkInVerySmallPiecesIsToldInPercent) {
  Watched job;
  job.on(JobStarted{});
  job.start("4");
  const auto said = [&](int value, int max) {
    job.step("4", value, max, 1000);
    return words_of(kept(job.all.back()), Language::kEnglish);
  };
  EXPECT_EQ(said(1, 200), "Removing noise: 1 of 200 parts done");
  EXPECT_EQ(said(826, 1000), "Removing noise: 83 %");
  EXPECT_TRUE(job.all.back().minor);
  EXPECT_EQ(said(1000, 1000), "Removing noise: 100 %");
  EXPECT_FALSE(job.all.back().minor) << "the last one is never left out";
}

TEST(Tracker, HostileFiguresMoveNothing) {
  Watched job;
  job.on(JobStarted{});
  job.start("4");
  for (const auto& [value, max] : std::vector<std::pair<json::value, json::value>>{{1, 0}, {-1, 2}, {"x", 2}, {1, nullptr}, {1e308, 1e-308}})
    for (const auto& words : job.on(NodeProgress{.node = "4", .value = value, .max = max})) EXPECT_TRUE(words.starts_with("inference denoise")) << words;
  EXPECT_LE(job.tracker.progress(), 95);
  EXPECT_EQ(job.on(NodeProgress{.node = "nobody", .value = 1, .max = 1}), Words{});
}

TEST(StepClock, SaysARangeThatNarrows) {
  StepClock clock(0);
  clock.done(1, 10, 1000);
  EXPECT_EQ(clock.seconds_per_piece(), 1.0);
  EXPECT_FALSE(clock.seconds_left(0));
  clock.done(2, 10, 2000);
  const auto early = clock.seconds_left(0);
  ASSERT_TRUE(early);
  EXPECT_LT(early->first, 8);
  EXPECT_GT(early->second, 8);
  for (int i = 3; i <= 9; ++i) clock.done(i, 10, i * 1000);
  const auto late = clock.seconds_left(0);
  EXPECT_LT(late->second - late->first, early->second - early->first);
  EXPECT_GT(clock.seconds_left(1)->second, late->second + 10) << "a further step of the same size";
  clock.done(10, 10, 10'000);
  EXPECT_EQ(clock.seconds_left(0), (std::pair{0.0, 0.0}));
}

TEST(Words, LanguagesAreChosen) {
  EXPECT_EQ(choose_language("zh", "en"), Language::kChinese);
  EXPECT_EQ(choose_language("", "zh-CN,zh;q=0.9,en;q=0.8"), Language::kChinese);
  EXPECT_EQ(choose_language("", "de, en;q=0.7, zh;q=0.3"), Language::kEnglish);
  EXPECT_EQ(choose_language("", "zh;q=0, en;q=0.1"), Language::kEnglish);
  EXPECT_EQ(choose_language("fr", ""), Language::kEnglish);
  EXPECT_EQ(choose_language("", ";;q=,,zh;q=x"), Language::kEnglish);
}

TEST(Words, ValuesAreFilledIn) {
  EXPECT_EQ(words(Language::kEnglish, "part", {{"source", "#denoise"}, {"tile", 1}, {"tiles", 4}}), "Removing noise: 1 of 4 parts done");
  EXPECT_EQ(words(Language::kChinese, "part", {{"source", "#denoise"}, {"tile", 1}, {"tiles", 4}}), "去除噪点：已完成 1/4 块");
  EXPECT_EQ(words(Language::kEnglish, "failed", {{"why", "{tile} #x"}}), "It failed: {tile} #x") << "values are not templates";
  EXPECT_EQ(words(Language::kEnglish, "nobody knows", {}), "nobody knows");
}

TEST(Failure, CodesFollowTheNode) {
  const auto code = [](const char* type, const char* node, const char* why, Stage stage = Stage::kInference) {
    return failure_of({{"exception_type", type}, {"node_type", node}, {"exception_message", why}}, stage).code;
  };
  EXPECT_EQ(code("ValueError", "UpscaleModelLoader", "no such keys"), "model_failed");
  EXPECT_EQ(code("ValueError", "RestoreModels", "x.pth: tensor body.0.weight is missing"), "model_failed") << "the file is there";
  EXPECT_EQ(code("FileNotFoundError", "UpscaleModelLoader", "gone"), "model_missing");
  EXPECT_EQ(code("FileNotFoundError", "RestoreModels", "gone", Stage::kLoadModel), "model_missing");
  EXPECT_EQ(code("FileNotFoundError", "DDColor", "gone"), "model_missing");
  EXPECT_EQ(code("ValueError", "RestoreLoad", "no picture"), "bad_image");
  EXPECT_EQ(code("torch.OutOfMemoryError", "ImageUpscaleWithModel", "x"), "out_of_memory");
  EXPECT_EQ(code("WorkerLost", "RestoreDenoise", "x"), "worker_lost");
  EXPECT_EQ(code("RuntimeError", "RestoreDenoise", "x"), "failed");
  const auto missing = failure_of({{"exception_type", "FileNotFoundError"},
                                   {"node_type", "UpscaleModelLoader"},
                                   {"exception_message", "x4.param: there is no x4.bin beside it\n"}},
                                  Stage::kLoadModel);
  const json::object end = kept_error(missing.code, missing.say, missing.with, Stage::kLoadModel);
  EXPECT_EQ(
      sent(end, 3, "x", Language::kEnglish),
      R"json({"seq":3,"job_id":"x","error":"Model failed to load: missing weights file (x4.param: there is no x4.bin beside it)","code":"model_missing","progress":0,"stage":"load_model"})json");
  EXPECT_TRUE(is_end(end));
}

}  // namespace
}  // namespace darkroom::restoration
