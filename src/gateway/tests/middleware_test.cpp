#include "gateway/middleware.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <sstream>

#include "base/error.hpp"
#include "gateway/response_head.hpp"

namespace darkroom {
namespace {

// protocol.md §1.6, and tests/data/transcripts/i05_static.json
TEST(OriginCheck, FollowsTheTable) {
  std::istringstream hosts("127.0.0.1 localhost\n127.0.1.1 mybox\n10.0.0.1 other mixed\n127.0.0.2 mixed # comment gone\n");
  const OriginCheck check(hosts);
  struct Case {
    const char *host, *origin;
    bool refused;
  };
  const Case cases[] = {{"127.0.0.1:8310", "http://127.0.0.1:8310", false},
                        {"127.0.0.1:8310", "https://127.0.0.1:8310", false},
                        {"127.0.0.1:8310", "http://127.0.0.1", false},
                        {"127.0.0.1", "http://127.0.0.1:8310", false},
                        {"127.0.0.1:8310", "http://127.0.0.1:9999", true},
                        {"127.0.0.1:8310", "http://localhost:8310", true},
                        {"localhost:8188", "http://localhost:8188", false},
                        {"LOCALHOST:8188", "http://localhost:8188", false},
                        {"localhost:8188", "http://evil.example", true},
                        {"127.5.5.5:1", "http://evil.example", true},
                        {"[::1]:8188", "http://evil.example", true},
                        {"[::1]:8188", "http://[::1]:8188", false},
                        {"app.localhost", "http://evil.example", true},
                        {"mybox", "http://evil.example", true},
                        {"mixed", "http://evil.example", false},
                        {"other", "http://evil.example", false},
                        {"example.com", "http://evil.example", false},
                        {"192.168.1.4:8188", "http://evil.example", false},
                        {"127.0.0.1:8310", "null", false},
                        {"127.0.0.1:8310", "", false},
                        {"", "http://evil.example", false}};
  for (const auto& [host, origin, refused] : cases) EXPECT_EQ(check.refuses(host, origin), refused) << host << " " << origin;
}

// protocol.md §1.5
TEST(CacheControl, FollowsTheTable) {
  EXPECT_EQ(cache_control("/scripts/app.js", 200, true), "no-cache");
  EXPECT_EQ(cache_control("/a.css", 404, true), "no-cache");
  EXPECT_EQ(cache_control("/templates/index.json", 200, true), "no-cache");
  EXPECT_EQ(cache_control("/templates/index.de.json", 200, true), "no-cache");
  EXPECT_EQ(cache_control("/templates/other.json", 200, true), "");
  EXPECT_EQ(cache_control("/pic.PNG", 200, true), "public, max-age=86400");
  EXPECT_EQ(cache_control("/pic.webp", 206, true), "public, max-age=86400");
  EXPECT_EQ(cache_control("/pic.tiff", 404, true), "public, max-age=86400") << "a missing static file still counts as found";
  EXPECT_EQ(cache_control("/userdata/pic.png", 404, false), "public, max-age=3600");
  EXPECT_EQ(cache_control("/pic.png", 302, false), "no-cache");
  EXPECT_EQ(cache_control("/pic.png", 500, false), "");
  EXPECT_EQ(cache_control("/queue", 200, false), "");
  EXPECT_EQ(cache_control("/view", 200, false), "");
  EXPECT_EQ(cache_control("/", 200, true), "");
}

TEST(Gzip, IsTakenOnlyWhereItIsAskedForAndPacksWhatItSays) {
  EXPECT_TRUE(accepts_gzip("gzip, deflate, br"));
  EXPECT_TRUE(accepts_gzip("br;q=1.0, GZIP;q=0.5"));
  EXPECT_FALSE(accepts_gzip("gzip;q=0"));
  EXPECT_FALSE(accepts_gzip("gzip; q=0.000"));
  EXPECT_FALSE(accepts_gzip("br"));
  EXPECT_FALSE(accepts_gzip(""));

  const std::string text(100'000, 'x');
  const std::string packed = gzip(text);
  EXPECT_LT(packed.size(), 1000u);
  std::string out(text.size() + 1, '\0');
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(std::string_view(out.data(), stream.total_out), text);
  inflateEnd(&stream);
}

TEST(Gzip, OnlyTextsAreCompressed) {
  EXPECT_TRUE(compressible(Response::of_json(json::object{})));
  EXPECT_TRUE(compressible(Response::text(404, "no")));
  EXPECT_FALSE(compressible(Response::empty()));
  EXPECT_FALSE(compressible(Response::of_file("/x")));
  Response packed = Response::of_json(json::object{});
  packed.header("Content-Encoding", "gzip");
  EXPECT_FALSE(compressible(packed));
}

TEST(ErrorResponse, KeepsKindsAndHidesWhatIsInside) {
  const auto of = [](auto error) { return error_response(std::make_exception_ptr(error)); };
  EXPECT_EQ(of(NotFound("no such thing")).status, 404);
  EXPECT_NE(of(NotFound("no such thing")).body.find("no such thing"), std::string::npos);
  EXPECT_EQ(of(Forbidden("x")).status, 403);
  EXPECT_EQ(of(BodyTooLarge(1000)).status, 413);
  EXPECT_EQ(of(BodyTooLarge(1000)).body, "Maximum request body size 1000 exceeded.");
  const Response inside = of(std::runtime_error("/secret/path"));
  EXPECT_EQ(inside.status, 500);
  EXPECT_EQ(inside.body.find("secret"), std::string::npos);
  EXPECT_EQ(of(InternalError("/secret/path")).body.find("secret"), std::string::npos);
}

TEST(ResponseHead, LineEndsInAValueSplitNothing) {
  Response response = Response::empty();
  response.header("Content-Disposition", "filename=\"a\r\nSet-Cookie: x\"");
  std::string head;
  append_head(head, response, {.content_length = 0, .keep_alive = false});
  EXPECT_NE(head.find("filename=\"a  Set-Cookie: x\"\r\n"), std::string::npos);
  EXPECT_NE(head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(head.find("Content-Length: 0\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Content-Type"), std::string::npos);
}

TEST(HttpDate, ThereAndBack) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  EXPECT_FALSE(parse_http_date("yesterday"));
}

}  // namespace
}  // namespace darkroom
