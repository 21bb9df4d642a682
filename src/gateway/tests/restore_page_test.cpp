#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/tests/route_bench.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;
using testing::Not;

struct RestorePage : testing::Test {
  RouteBench bench;

  RestorePage() { add_restore_page_routes(bench.router, bench.services); }
};

TEST_F(RestorePage, is_served_with_a_policy_that_forbids_what_is_inline_or_from_elsewhere) {
  const Response page = bench.get("/restore");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.file->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(RouteBench::header_of(page, "Cache-Control"), "no-cache");
  const std::string policy(RouteBench::header_of(page, "Content-Security-Policy"));
  EXPECT_THAT(policy, HasSubstr("default-src 'none'; script-src 'self'; style-src 'self'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(RouteBench::text_of(page), HasSubstr("restore/assets/main.js"));
  EXPECT_EQ(bench.get("/api/restore").status, 404);
  EXPECT_EQ(RouteBench::header_of(bench.get("/restore/"), "Location"), "../restore");
}

TEST_F(RestorePage, serves_its_files_and_nothing_else) {
  EXPECT_EQ(bench.get("/restore/assets/main.js").file->content_type, "application/javascript");
  EXPECT_EQ(bench.get("/restore/assets/styles/base.css").file->content_type, "text/css");
  EXPECT_EQ(bench.get("/restore/assets/pictures/airplane.jpg").file->content_type, "image/jpeg");
  for (const char* path :
       {"/restore/assets/", "/restore/assets/lib", "/restore/assets/none.js", "/restore/assets/../index.html",
        "/restore/assets/%2e%2e/index.html", "/restore/assets/..%2f..%2fREADME.md", "/restore/assets/%00", "/restore/assets//etc/passwd"})
    EXPECT_EQ(bench.get(path).status, 404) << path;
}

}  // namespace
}  // namespace darkroom
