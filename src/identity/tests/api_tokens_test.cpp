#include "identity/api_tokens.hpp"

#include <gtest/gtest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "base/text.hpp"

namespace darkroom {
namespace {

class ApiTokensTest : public testing::Test {
 protected:
  ApiTokensTest() { std::filesystem::create_directories(folder); }
  ~ApiTokensTest() override { std::filesystem::remove_all(folder); }
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("darkroom-tokens-" + uuid4());
  const std::filesystem::path file = folder / "api-tokens.json";
  ApiTokens tokens{file};
};

TEST_F(ApiTokensTest, AreFoundByTheirTextAlone) {
  const auto made = tokens.make("anna", "laptop", 0, 1000);
  EXPECT_TRUE(ApiTokens::looks_like_one(made.text));
  EXPECT_EQ(made.text.size(), 46U);
  EXPECT_EQ(tokens.find(made.text, 2000)->user, "anna");
  EXPECT_EQ(tokens.find(made.text + "x", 2000), std::nullopt);
  EXPECT_EQ(tokens.find(made.token.id, 2000), std::nullopt);
  std::ifstream in(file);
  const std::string kept{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(kept.find(made.text.substr(3)), std::string::npos) << "only its hash is kept";
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(ApiTokensTest, ExpireAndAreRevoked) {
  const auto made = tokens.make("anna", "", 2000, 1000);
  EXPECT_TRUE(tokens.find(made.text, 1999));
  EXPECT_FALSE(tokens.find(made.text, 2000));
  EXPECT_FALSE(tokens.with_id(made.token.id, 2000));
  const auto other = tokens.make("anna", "", 0, 1000);
  EXPECT_FALSE(tokens.revoke("bob", other.token.id)) << "another's";
  EXPECT_TRUE(tokens.with_id(other.token.id, 5000));
  EXPECT_TRUE(tokens.revoke("anna", other.token.id));
  EXPECT_FALSE(tokens.find(other.text, 1500));
}

TEST_F(ApiTokensTest, AreSharedWithOtherProcesses) {
  ApiTokens command(file);
  const auto first = command.make("anna", "a", 0, 1000);
  EXPECT_TRUE(tokens.find(first.text, 1000));
  const auto second = tokens.make("bob", "b", 0, 1001);
  EXPECT_EQ(command.list("").size(), 2U);
  EXPECT_EQ(command.list("bob").front().label, "b");
  EXPECT_TRUE(command.revoke("", first.token.id));
  EXPECT_FALSE(tokens.find(first.text, 1002));
  EXPECT_TRUE(tokens.find(second.text, 1002));
}

TEST_F(ApiTokensTest, RefusesNamesAndLabels) {
  for (const char* name : {"", "local", "visitor:a", "\xff"}) EXPECT_THROW(tokens.make(name, "", 0, 1000), InvalidInput);
  EXPECT_THROW(tokens.make(std::string(256, 'a'), "", 0, 1000), InvalidInput);
  EXPECT_NO_THROW(tokens.make(std::string(255, 'a'), std::string(200, 'l'), 0, 1000));
  EXPECT_THROW(tokens.make("anna", std::string(201, 'l'), 0, 1000), InvalidInput);
}

TEST_F(ApiTokensTest, HaveALimit) {
  std::ofstream out(file);
  out << "{";
  for (int i = 0; i < 9999; ++i) out << (i ? "," : "") << "\"" << i << "\":{\"user\":\"u\",\"label\":\"\",\"created\":1,\"expires\":0}";
  out << "}";
  out.close();
  EXPECT_NO_THROW(tokens.make("anna", "", 0, 1000));
  EXPECT_THROW(tokens.make("anna", "", 0, 1000), TooLarge);
}

TEST_F(ApiTokensTest, AUserHasSoMany) {
  for (int i = 0; i < 50; ++i) tokens.make("anna", "", i == 0 ? 2000 : 0, 1000);
  EXPECT_THROW(tokens.make("anna", "", 0, 1000), TooLarge);
  EXPECT_NO_THROW(tokens.make("bob", "", 0, 1000));
  EXPECT_NO_THROW(tokens.make("anna", "", 0, 2000)) << "one has expired";
}

TEST_F(ApiTokensTest, StayGoodWhenTheFileIsDamaged) {
  const auto made = tokens.make("anna", "", 0, 1000);
  EXPECT_TRUE(tokens.find(made.text, 1000));
  std::ofstream(file) << "{]";
  EXPECT_TRUE(tokens.find(made.text, 1000));
  EXPECT_THROW(tokens.make("anna", "", 0, 1000), InvalidInput) << "nothing is written over what somebody may mend";
  std::filesystem::remove(file);
  EXPECT_FALSE(tokens.find(made.text, 1000));
}

TEST_F(ApiTokensTest, DoNotWaitForEverForAnotherProgram) {
  const int other = ::open((file.string() + ".lock").c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  EXPECT_THROW(tokens.make("anna", "", 0, 1000), Unavailable);
  ::close(other);
  EXPECT_NO_THROW(tokens.make("anna", "", 0, 1000));
}

}  // namespace
}  // namespace darkroom
