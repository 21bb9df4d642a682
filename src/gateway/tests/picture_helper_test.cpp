// The limits on a picture program, with shell scripts in its place.

#include "gateway/picture_helper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>

#include "base/error.hpp"
#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

struct PictureHelperLimits : testing::Test {
  ScratchFolder scratch;
  std::filesystem::path picture = scratch.write("a.png", "picture");

  std::filesystem::path script(const std::string& lines) {
    const auto file = scratch.write("program", "#!/bin/sh\n" + lines + "\n");
    ::chmod(file.c_str(), 0755);
    return file;
  }
  static std::string refusal(PictureHelper& helper, const std::filesystem::path& picture) {
    try {
      helper.run_now({"preview"}, picture);
    } catch (const Error& fault) {
      return fault.what();
    }
    return "";
  }
};

TEST_F(PictureHelperLimits, WordsAreCut) {
  PictureHelper helper(script("printf 'no %0.s' $(seq 2000) >&2; exit 3"));
  const std::string words = refusal(helper, picture);
  EXPECT_THAT(words, testing::StartsWith("no no no"));
  EXPECT_LE(words.size(), 1024u);
  PictureHelper short_words(script("echo 'no picture at all' >&2; exit 3"));
  EXPECT_EQ(refusal(short_words, picture), "no picture at all");
}

TEST_F(PictureHelperLimits, ASlowOneIsKilled) {
  PictureHelper helper(script("sleep 0.2; cat"), {.time = std::chrono::milliseconds(1500)});
  EXPECT_EQ(helper.run_now({"preview"}, picture), "picture");
  PictureHelper slow(script("echo begun; exec sleep 60"), {.time = std::chrono::milliseconds(300)});
  const auto began = std::chrono::steady_clock::now();
  EXPECT_THAT(refusal(slow, picture), testing::HasSubstr("longer than 300 ms"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST_F(PictureHelperLimits, ALongResultIsRefused) {
  PictureHelper helper(script("cat"), {.result_bytes = 7});
  EXPECT_EQ(helper.run_now({"preview"}, picture), "picture");
  PictureHelper strict(script("cat"), {.result_bytes = 6});
  EXPECT_EQ(refusal(strict, picture), "the result is too large");
}

TEST_F(PictureHelperLimits, TooManyAtOnceAreToldToComeAgain) {
  PictureHelper helper(script("sleep 0.3; cat"), {.processes = 1, .waiting = 2});
  asio::io_context io;
  std::vector<std::future<std::string>> replies;
  for (int i = 0; i < 4; ++i) replies.push_back(asio::co_spawn(io, helper.run("", {"preview"}, picture), asio::use_future));
  io.run();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(replies[static_cast<std::size_t>(i)].get(), "picture") << i;
  EXPECT_THROW(replies[3].get(), Unavailable);
}

TEST_F(PictureHelperLimits, AUserLeavesRoomForOthers) {
  PictureHelper helper(script("sleep 0.2; cat"), {.processes = 1, .of_user = 2});
  asio::io_context io;
  std::vector<std::future<std::string>> replies;
  for (const char* user : {"anna", "anna", "anna", "bob", "", "", ""}) replies.push_back(asio::co_spawn(io, helper.run(user, {"preview"}, picture), asio::use_future));
  io.run();
  for (const std::size_t served : {0, 1, 3, 4, 5, 6}) EXPECT_EQ(replies[served].get(), "picture") << served;
  EXPECT_THROW(replies[2].get(), Unavailable);
}

TEST_F(PictureHelperLimits, WhoIsServedInTurnIsNeverSentAway) {
  PictureHelper helper(script("sleep 0.05; cat"), {.processes = 1, .waiting = 0});
  asio::io_context io;
  std::vector<std::future<std::string>> replies;
  for (int i = 0; i < 4; ++i) replies.push_back(asio::co_spawn(io, helper.run_in_turn({"facts"}, picture), asio::use_future));
  io.run();
  for (auto& reply : replies) EXPECT_EQ(reply.get(), "picture");
}

}  // namespace
}  // namespace darkroom
