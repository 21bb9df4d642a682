// The OpenAPI document beside the routes that are really there.

#include "gateway/openapi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <iterator>
#include <set>

#include "base/text.hpp"
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

/// Why a route is left out; "": it is not.
std::string left_out(const std::string& method, const std::string& pattern) {
  for (const char* page : {"/", "/api/", "/restore", "/restore/", "/restore/assets/{path...}", "/login"})
    if (method == "GET" && pattern == page) return "a page, or a file of one";
  for (const char* part :
       {"/extensions", "/i18n", "/workflow_templates", "/api/workflow_templates", "/global_subgraphs", "/templates", "/internal/"})
    if (pattern.starts_with(part)) return "of the editor alone, which may change it with each version";
  if (pattern == "/ws" || pattern == "/ws/progress") return "a WebSocket, which OpenAPI can't describe";
  return "";
}

/// "/a/{path...}" as OpenAPI writes it.
std::string templated(std::string pattern) {
  if (const auto dots = pattern.find("...}"); dots != std::string::npos) pattern.erase(dots, 3);
  return pattern;
}

std::set<std::string> described() {
  std::set<std::string> routes;
  const json::object document = openapi_document();
  for (const auto& path : document.at("paths").as_object())
    for (const auto& item : path.value().as_object())
      if (item.key() != "parameters") routes.insert(std::string(item.key()) + " " + std::string(path.key()));
  return routes;
}

TEST(OpenApi, HasEveryRouteAndNoOther) {
  ScratchFolder scratch;
  Options options;
  Folders folders = Folders::below(scratch.path());
  asio::io_context io;
  BlockingPool pool{1};
  Hub hub;
  LogBuffer logs;
  SchemaStore schemas{folders};
  WorkerPool workers{io.get_executor(), options, folders, schemas};
  SqliteBroker broker{scratch.path() / "d.sqlite", {}};
  JobDesk desk{io.get_executor(), options, broker, hub, workers};
  Services services{options, folders, pool, hub, schemas, desk, workers, logs};
  Router router;
  add_all_routes(router, services);

  std::set<std::string> routes;
  for (const auto& route : router.list())
    if (left_out(route.method, route.pattern).empty()) routes.insert(lower(route.method) + " " + templated(route.pattern));
  const std::set<std::string> document = described();
  std::vector<std::string> undescribed, gone;
  std::ranges::set_difference(routes, document, std::back_inserter(undescribed));
  std::ranges::set_difference(document, routes, std::back_inserter(gone));
  EXPECT_THAT(undescribed, testing::IsEmpty());
  EXPECT_THAT(gone, testing::IsEmpty());
  pool.stop();
}

TEST(OpenApi, RefersToWhatIsThere) {
  const json::object document = openapi_document();
  EXPECT_EQ(document.at("openapi"), "3.1.0");
  EXPECT_FALSE(document.at("info").at("version").as_string().empty());
  const json::value whole(document);
  const std::string text = dump(whole);
  constexpr std::string_view kReference = R"("$ref":"#)";
  std::size_t found = 0;
  for (auto at = text.find(kReference); at != std::string::npos; at = text.find(kReference, at + 1)) {
    const auto begin = at + kReference.size();
    const std::string pointer = text.substr(begin, text.find('"', begin) - begin);
    boost::system::error_code missing;
    EXPECT_TRUE(whole.find_pointer(pointer, missing)) << pointer;
    ++found;
  }
  EXPECT_GT(found, 100u);
}

}  // namespace
}  // namespace darkroom
