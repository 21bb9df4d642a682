// /prompt, /queue, /interrupt, /free, /history and /api/jobs, from request to reply, on a real queue and without workers.

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "broker/sqlite_broker.hpp"
#include "gateway/http.hpp"
#include "gateway/hub.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/log_buffer.hpp"
#include "gateway/options.hpp"
#include "gateway/pool.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/services.hpp"
#include "gateway/worker_pool.hpp"
#include "storage/folders.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

using namespace std::chrono_literals;

class JobRoutes : public testing::Test {
 protected:
  JobRoutes() {
    SchemaSet set;
    set.add(NodeSchema("Show", Form::kV1).input("text", String{.value = "x"}).output_node());
    set.add(NodeSchema("Load", Form::kV1).input("image", files("image")).output(Image{}).output_node());
    schemas.replace(std::make_shared<const SchemaSet>(std::move(set)));
    add_prompt_routes(router, services);
    add_queue_routes(router, services);
    add_history_routes(router, services);
    add_jobs_routes(router, services);
    run(desk.start());
  }
  ~JobRoutes() override { pool.stop(); }

  template <class T>
  T run(asio::awaitable<T> work) {
    io.restart();
    auto future = asio::co_spawn(io, std::move(work), asio::use_future);
    while (future.wait_for(0s) != std::future_status::ready) io.run_one_for(1s);
    return future.get();
  }
  Response ask(std::string method, std::string_view target, std::string body = "") {
    Request request;
    request.method = std::move(method);
    set_target(request, target);
    const auto match = router.match(request.method, std::string_view(request.target).substr(0, request.target.find('?')));
    if (!match.handler) return Response::empty(404);
    request.params = match.params;
    request.body = std::move(body);
    Response reply = run((*match.handler)(request));
    if (reply.after_write) reply.after_write(true);
    return reply;
  }
  static json::value json_of(const Response& reply) { return parse_json(reply.shared_body ? *reply.shared_body : reply.body); }
  json::value get(std::string_view target) { return json_of(ask("GET", target)); }
  Response post(const std::string& fields) { return ask("POST", "/prompt", R"({"prompt":{"1":{"class_type":"Show","inputs":{"text":5}}})" + fields + "}"); }
  std::string posted_id(const std::string& fields = "") {
    const Response reply = post(fields);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return string_or(json_of(reply).as_object(), "prompt_id", "");
  }
  std::int64_t remaining() { return get("/prompt").at("exec_info").at("queue_remaining").as_int64(); }

  ScratchFolder scratch;
  Options options;
  Folders folders = Folders::below(scratch.path());
  asio::io_context io;
  BlockingPool pool{2};
  Hub hub;
  SchemaStore schemas{folders};
  WorkerPool workers{io.get_executor(), options, folders, schemas};
  SqliteBroker broker{scratch.path() / "d.sqlite", {.max_queue = 20}};
  JobDesk desk{io.get_executor(), options, broker, hub, workers};
  LogBuffer logs;
  Router router;
  Services services{options, folders, pool, hub, schemas, desk, workers, logs};
};

TEST_F(JobRoutes, APostedPromptWaitsAsItWasSentWithConvertedConstants) {
  const Response reply = post(R"(,"client_id":"c","extra_data":{"extra_pnginfo":{"workflow":{"id":"w"}},"api_key_comfy_org":"hush"},"prompt_id":"mine")");
  EXPECT_EQ(reply.body, R"({"prompt_id":"mine","number":0,"node_errors":{}})");
  EXPECT_EQ(remaining(), 1);
  const json::value item = get("/queue").at("queue_pending").at(0);
  EXPECT_EQ(dump(item.at(2)), R"({"1":{"class_type":"Show","inputs":{"text":"5"}}})");
  EXPECT_EQ(dump(item.at(3).at("extra_pnginfo")), R"({"workflow":{"id":"w"}})");
  EXPECT_EQ(item.at(3).at("client_id"), "c");
  EXPECT_TRUE(item.at(3).at("create_time").is_int64());
  EXPECT_EQ(item.at(3).as_object().size(), 3u) << "no secret is shown";
  EXPECT_EQ(dump(item.at(4)), R"(["1"])");
  EXPECT_EQ(dump(run(broker.claim(1h))->job.secrets), R"({"api_key_comfy_org":"hush"})");
}

TEST_F(JobRoutes, NumbersCountUpForRefusedRequestsTooAndNotForGivenOnes) {
  const auto number = [&](const std::string& fields) { return dump(json_of(post(fields)).at("number")); };
  EXPECT_EQ(number(""), "0");
  EXPECT_EQ(ask("POST", "/prompt", "{}").status, 400);
  EXPECT_EQ(number(R"(,"number":7)"), "7.0");
  EXPECT_EQ(number(R"(,"number":" 2.5 ","front":true)"), "2.5");
  EXPECT_EQ(number(R"(,"front":1)"), "-2");
  EXPECT_EQ(number(R"(,"front":false)"), "3");
}

TEST_F(JobRoutes, PromptIdsAreTakenAsTexts) {
  EXPECT_EQ(posted_id(R"(,"prompt_id":123)"), "123");
  EXPECT_EQ(posted_id(R"(,"prompt_id":null)").size(), 36u);
  EXPECT_EQ(posted_id(R"(,"prompt_id":"")").size(), 36u);
  EXPECT_EQ(posted_id().size(), 36u);
  EXPECT_EQ(posted_id(",\"prompt_id\":\"" + std::string(1024, 'i') + '"').size(), 1024u);
}

TEST_F(JobRoutes, WhatIsNoRequestGetsA400WithAnErrorObject) {
  const auto refused = [&](const std::string& body, std::string_view type) {
    const Response reply = ask("POST", "/prompt", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(json_of(reply).at("error").at("type").as_string(), type) << body;
    EXPECT_FALSE(json_of(reply).at("error").at("message").as_string().empty());
    EXPECT_TRUE(json_of(reply).at("node_errors").as_object().empty());
  };
  refused("", "invalid_json");
  refused("{oops", "invalid_json");
  refused(R"({"prompt": NaN})", "invalid_json");
  refused(R"({"prompt":{"1":{"class_type":"Show","inputs":{"text":36893488147419103232}}}})", "invalid_json");
  refused(std::string(300, '[') + std::string(300, ']'), "invalid_json");
  refused("5", "invalid_body");
  refused("\"text\"", "invalid_body");
  refused("null", "invalid_body");
  refused("[]", "no_prompt");
  refused("{}", "no_prompt");
  refused(R"({"prompt":null})", "invalid_prompt");
  refused(R"({"prompt":[1]})", "invalid_prompt");
  refused(R"({"prompt":[]})", "prompt_no_outputs");
  refused(R"({"prompt":{"1":5}})", "invalid_prompt");
  refused(R"({"prompt":{"1":{"class_type":["x"]}}})", "invalid_prompt");
  refused(R"({"prompt":{"1":{"class_type":"Nobody","inputs":{}}}})", "invalid_prompt");
  refused(R"({"number":"x","prompt":{}})", "invalid_number");
  refused(R"({"number":"nan","prompt":{}})", "invalid_number");
  refused(R"({"number":null,"prompt":{}})", "invalid_number");
  const std::string good = R"("prompt":{"1":{"class_type":"Show","inputs":{"text":"a"}}})";
  refused("{" + good + R"(,"extra_data":[1]})", "invalid_extra_data");
  refused("{" + good + R"(,"partial_execution_targets":"1"})", "invalid_partial_execution_targets");
  refused("{" + good + R"(,"partial_execution_targets":["9"]})", "prompt_no_outputs");
  refused("{" + good + R"(,"prompt_id":")" + std::string(2000, 'x') + "\"}", "invalid_prompt_id");
  EXPECT_EQ(remaining(), 0);
}

TEST_F(JobRoutes, ChecksOfFilesGoToThePool) {
  const Response reply = ask("POST", "/prompt", R"({"prompt":{"1":{"class_type":"Load","inputs":{"image":"none.png"}}}})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(json_of(reply).at("error").at("type"), "prompt_outputs_failed_validation");
}

TEST_F(JobRoutes, AFullQueueSaysSo) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(post("").status, 200);
  const Response reply = post("");
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(json_of(reply).at("error").at("type"), "queue_full");
  EXPECT_EQ(remaining(), 20);
}

TEST_F(JobRoutes, AStoppingServerTakesNothing) {
  desk.close();
  const Response reply = post("");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(json_of(reply).at("error").at("type"), "unavailable");
}

TEST_F(JobRoutes, TheQueueIsClearedByTruthAndDeletedFromByList) {
  const auto queue = [&](const std::string& body) {
    const Response reply = ask("POST", "/queue", body);
    EXPECT_EQ(reply.status, 200) << body;
    EXPECT_TRUE(reply.body.empty());
    return remaining();
  };
  for (const char* id : {"a", "b", "c"}) posted_id(std::string(R"(,"prompt_id":")") + id + "\"");
  for (const char* body : {"{}", R"({"clear":false})", R"({"clear":[]})", R"({"clear":null,"delete":["nobody"]})", R"({"delete":"ab"})",
                           R"({"delete":null,"client_id":"c"})"})
    EXPECT_EQ(queue(body), 3) << body;
  EXPECT_EQ(queue(R"({"clear":null,"delete":["b"]})"), 2);
  EXPECT_EQ(queue(R"({"clear":["pending"]})"), 0);
  EXPECT_EQ(ask("POST", "/queue", "x").status, 500);
  EXPECT_EQ(ask("POST", "/queue", "[]").status, 500);
}

TEST_F(JobRoutes, InterruptAndFreeTakeTheBodiesThatClientsSend) {
  for (const char* body : {"", "{}", "x", R"({"prompt_id":"nobody"})", R"({"prompt_id":null,"client_id":"c"})"})
    EXPECT_EQ(ask("POST", "/interrupt", body).status, 200) << body;
  EXPECT_EQ(ask("POST", "/interrupt", "[1]").status, 500);
  EXPECT_EQ(ask("POST", "/free", R"({"unload_models":true})").status, 200);
  EXPECT_EQ(ask("POST", "/free", "{}").status, 200);
  EXPECT_EQ(ask("POST", "/free", "x").status, 500);
  EXPECT_EQ(ask("POST", "/free", "[]").status, 500);
}

TEST_F(JobRoutes, HistoryAnswersItsQueries) {
  for (const char* id : {"a", "b", "c"}) {
    posted_id(std::string(R"(,"prompt_id":")") + id + "\"");
    run(desk.cancel("local", id));
  }
  const auto keys = [&](std::string_view target) {
    std::string out;
    const json::value history = get(target);
    for (const auto& [id, entry] : history.as_object()) out += id;
    return out;
  };
  EXPECT_EQ(keys("/history"), "abc");
  EXPECT_EQ(keys("/history?max_items=2"), "bc");
  EXPECT_EQ(keys("/history?max_items=2&offset=0"), "ab");
  EXPECT_EQ(keys("/history?offset=1"), "bc");
  EXPECT_EQ(keys("/history?offset=-1"), "abc");
  EXPECT_EQ(keys("/history?max_items=0"), "");
  EXPECT_EQ(keys("/history/b"), "b");
  EXPECT_EQ(keys("/history/nobody"), "");
  EXPECT_EQ(ask("GET", "/history?max_items=x").status, 500);
  EXPECT_EQ(ask("POST", "/history", R"({"delete":["a"]})").status, 200);
  EXPECT_EQ(keys("/history"), "bc");
  EXPECT_EQ(ask("POST", "/history", R"({"clear":true})").status, 200);
  EXPECT_EQ(keys("/history"), "");
  EXPECT_EQ(ask("POST", "/history", "x").status, 500);
}

TEST_F(JobRoutes, JobsAreBelowApiOnly) {
  EXPECT_EQ(ask("GET", "/api/jobs").status, 200);
  EXPECT_EQ(ask("GET", "/api/api/jobs").status, 200);
  EXPECT_EQ(ask("GET", "/jobs").status, 404);
}

TEST_F(JobRoutes, JobsAreListedFoundAndCancelled) {
  posted_id(R"(,"prompt_id":"a")");
  posted_id(R"(,"prompt_id":"b","extra_data":{"extra_pnginfo":{"workflow":{"id":"w"}}})");
  EXPECT_EQ(dump(json_of(ask("POST", "/api/jobs/a/cancel"))), R"({"cancelled":true})");
  EXPECT_EQ(dump(json_of(ask("POST", "/api/jobs/a/cancel"))), R"({"cancelled":false})");
  EXPECT_EQ(get("/api/jobs/a").at("status"), "cancelled");
  EXPECT_EQ(get("/api/jobs/b").at("status"), "pending");
  EXPECT_EQ(get("/api/jobs?status=cancelled").at("jobs").at(0).at("id"), "a");
  EXPECT_EQ(get("/api/jobs?workflow_id=w").at("pagination").at("total").as_int64(), 1);
  EXPECT_EQ(dump(get("/api/jobs?limit=1").at("pagination")), R"({"offset":0,"limit":1,"total":2,"has_more":true})");
  EXPECT_EQ(dump(json_of(ask("POST", "/api/jobs/cancel", R"({"job_ids":["a","b"]})"))), R"({"cancelled":true})");
  EXPECT_EQ(ask("POST", "/api/jobs/cancel", R"({"job_ids":[1]})").status, 400);
  EXPECT_EQ(ask("POST", "/api/jobs/cancel", "x").status, 400);
  EXPECT_EQ(ask("GET", "/api/jobs/nobody").status, 404);
  EXPECT_EQ(remaining(), 0);
}

TEST_F(JobRoutes, FaultsOfAJobsQueryAreNamed) {
  const auto fault = [&](std::string_view query) {
    const Response reply = ask("GET", std::string("/api/jobs?") + std::string(query));
    EXPECT_EQ(reply.status, 400);
    return string_or(json_of(reply).as_object(), "error", "");
  };
  EXPECT_EQ(fault("status=weird,odd"), "Invalid status value(s): weird, odd. Valid values: pending, in_progress, completed, failed");
  EXPECT_EQ(fault("sort_by=name"), "sort_by must be 'created_at' or 'execution_duration'");
  EXPECT_EQ(fault("sort_order=up"), "sort_order must be 'asc' or 'desc'");
  EXPECT_EQ(fault("limit=0"), "limit must be a positive integer");
  EXPECT_EQ(fault("limit=x"), "limit must be an integer");
  EXPECT_EQ(fault("offset=x"), "offset must be an integer");
}

}  // namespace
}  // namespace darkroom
