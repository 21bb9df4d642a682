#include "gateway/http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/percent.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;
using testing::Pair;

Handler numbered(int number) {
  return [number](Request&) -> asio::awaitable<Response> { co_return Response::empty(number); };
}

TEST(PercentDecode, TakesEscapesAndLeavesWhatIsNone) {
  EXPECT_EQ(percent_decode("a%2Fb%20c"), "a/b c");
  EXPECT_EQ(percent_decode("%e4%BD%a0"), "你");
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
  EXPECT_EQ(percent_decode("%25%32%35"), "%25");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
}

TEST(SetTarget, SplitsPathAndQuery) {
  Request request;
  set_target(request, "/view?filename=a%20b.png&subfolder=&x&rand=0.5&filename=second#part");
  EXPECT_EQ(request.path, "/view");
  EXPECT_THAT(request.query, ElementsAre(Pair("filename", "a b.png"), Pair("subfolder", ""), Pair("x", ""), Pair("rand", "0.5"), Pair("filename", "second")));
  EXPECT_EQ(*request.query_value("filename"), "a b.png");
  EXPECT_EQ(request.query_value("none"), nullptr);
  set_target(request, "http://host:1/queue?a=1");
  EXPECT_EQ(request.path, "/queue");
  EXPECT_EQ(request.target, "/queue?a=1");
  set_target(request, "http://host");
  EXPECT_EQ(request.path, "/");
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router.add("GET", "/queue", numbered(1));
    router.add("POST", "/queue", numbered(2));
    router.add("GET", "/userdata/{file}", numbered(3));
    router.add("POST", "/userdata/{file}/move/{dest}", numbered(4));
    router.add("GET", "/extensions/{pack}/{file...}", numbered(5), {.api_too = false});
    router.add("POST", "/interrupt", numbered(6));
    router.add("GET", "/", numbered(7));
  }
  Router router;
};

TEST_F(RouterTest, FindsExactPathsWithAndWithoutApi) {
  EXPECT_NE(router.match("GET", "/queue").handler, nullptr);
  EXPECT_NE(router.match("GET", "/api/queue").handler, nullptr);
  EXPECT_NE(router.match("GET", "/api/").handler, nullptr);
  EXPECT_EQ(router.match("GET", "/api/api/queue").handler, nullptr);
  EXPECT_EQ(router.match("GET", "/queue/").handler, nullptr) << "a trailing slash is another path";
  EXPECT_NE(router.match("GET", "/%71ueue").handler, nullptr);
  EXPECT_EQ(router.match("GET", "/api%2Fqueue").handler, nullptr) << "an escaped slash separates nothing";
}

TEST_F(RouterTest, HeadIsAnsweredByGet) {
  EXPECT_NE(router.match("HEAD", "/queue").handler, nullptr);
  EXPECT_EQ(router.match("HEAD", "/interrupt").handler, nullptr);
}

TEST_F(RouterTest, CapturesDecodedSegments) {
  const auto file = router.match("GET", "/api/userdata/workflows%2Fmy%20wf.json");
  ASSERT_NE(file.handler, nullptr);
  EXPECT_THAT(file.params, ElementsAre(Pair("file", "workflows/my wf.json")));
  const auto move = router.match("POST", "/userdata/a%2Fb/move/c%2Fd");
  ASSERT_NE(move.handler, nullptr);
  EXPECT_THAT(move.params, ElementsAre(Pair("file", "a/b"), Pair("dest", "c/d")));
  const auto rest = router.match("GET", "/extensions/pack/js/a.js");
  ASSERT_NE(rest.handler, nullptr);
  EXPECT_THAT(rest.params, ElementsAre(Pair("pack", "pack"), Pair("file", "js/a.js")));
  EXPECT_EQ(router.match("GET", "/userdata/a/b").handler, nullptr);
  EXPECT_EQ(router.match("GET", "/userdata/").handler, nullptr) << "a capture is never empty";
}

TEST_F(RouterTest, SaysWhatIsAllowed) {
  EXPECT_THAT(router.match("DELETE", "/queue").allowed, ElementsAre("GET", "HEAD", "POST"));
  EXPECT_THAT(router.match("POST", "/no/such").allowed, ElementsAre("GET", "HEAD"));
  EXPECT_THAT(router.match("PUT", "/interrupt").allowed, ElementsAre("GET", "HEAD", "POST")) << "the editor's files take every GET";
}

TEST_F(RouterTest, TheFallbackTakesEveryOtherGet) {
  router.set_fallback(numbered(9));
  EXPECT_NE(router.match("GET", "/no/such").handler, nullptr);
  EXPECT_TRUE(router.match("HEAD", "/no/such").options.static_files);
  EXPECT_NE(router.match("GET", "/interrupt").handler, nullptr);
  EXPECT_EQ(router.match("POST", "/no/such").handler, nullptr);
}

}  // namespace
}  // namespace darkroom
