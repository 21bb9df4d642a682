#include "broker/job_summary.hpp"

#include <gtest/gtest.h>

namespace darkroom {
namespace {

JobResult with_outputs(const char* text) {
  JobResult result;
  result.outputs = parse_json(text).as_object();
  return result;
}

TEST(JobSummary, CountsFilesAndPrefersSavedOnes) {
  const JobSummary summary = summarize(with_outputs(
      R"({"1": {"images": [{"filename": "t.png", "type": "temp"}], "animated": [true], "text": ["a", "b"]},
          "2": {"images": [{"filename": "s.png", "type": "output"}, {"filename": "s2.png", "type": "output"}]}})"));
  EXPECT_EQ(summary.status, "completed");
  EXPECT_EQ(summary.outputs_count, 3);
  EXPECT_EQ(summary.preview, R"({"filename":"s.png","type":"output","nodeId":"2","mediaType":"images"})");
}

TEST(JobSummary, TakesAnyPictureWhenNoneWasSaved) {
  EXPECT_EQ(summarize(with_outputs(R"({"1": {"images": [{"filename": "t.png", "type": "temp"}]}})")).preview,
            R"({"filename":"t.png","type":"temp","nodeId":"1","mediaType":"images"})");
}

TEST(JobSummary, KnowsOtherMediaByFormatOrEnding) {
  EXPECT_NE(summarize(with_outputs(R"({"1": {"gifs": [{"filename": "a", "format": "video/h264-mp4", "type": "output"}]}})")).preview, "");
  EXPECT_NE(summarize(with_outputs(R"({"1": {"result": [{"filename": "m.GLB", "type": "output"}]}})")).preview, "");
  const JobSummary latent = summarize(with_outputs(R"({"1": {"latents": [{"filename": "a.latent", "type": "output"}]}})"));
  EXPECT_EQ(latent.preview, "");
  EXPECT_EQ(latent.outputs_count, 1);
}

TEST(JobSummary, SurvivesOddOutputs) {
  const JobSummary summary = summarize(with_outputs(R"({"1": null, "2": {"images": 5, "x": [null, 1, "t", []]}, "3": {"images": [{}]}})"));
  EXPECT_EQ(summary.outputs_count, 1);
}

TEST(JobSummary, TellsFailedFromCancelled) {
  JobResult failed{.status = "error", .completed = false};
  failed.messages = {json::array{"execution_start", json::object{}}, json::array{"execution_error", json::object{{"node_id", "4"}}}};
  EXPECT_EQ(summarize(failed).status, "failed");
  EXPECT_EQ(summarize(failed).error, R"({"node_id":"4"})");
  failed.cancelled = true;
  EXPECT_EQ(summarize(failed).status, "cancelled");
}

TEST(JobSummary, WorkflowIdIsReadLeniently) {
  EXPECT_EQ(workflow_id_of({{"extra_pnginfo", json::object{{"workflow", json::object{{"id", "w"}}}}}}), "w");
  EXPECT_EQ(workflow_id_of({{"extra_pnginfo", json::object{{"workflow", json::object{{"id", 3}}}}}}), "");
  EXPECT_EQ(workflow_id_of({{"extra_pnginfo", nullptr}}), "");
  EXPECT_EQ(workflow_id_of({}), "");
}

}  // namespace
}  // namespace darkroom
