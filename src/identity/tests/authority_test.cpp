#include "identity/authority.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "base/text.hpp"

namespace darkroom {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
const std::string kSecret(32, 's');

class AuthFileTest : public testing::Test {
 protected:
  AuthFileTest() { std::filesystem::create_directories(folder); }
  ~AuthFileTest() override { std::filesystem::remove_all(folder); }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name, std::ios::binary) << text;
    return folder / name;
  }
  std::string refusal_of(const std::string& text) const {
    try {
      AuthFile::read(write("auth.yaml", text));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  static std::string token(const std::string& secret, const std::string& user = "anna", std::int64_t expires = kNow + 60) {
    return sign_jwt(JwtKey::secret(secret), {{"sub", user}, {"exp", expires}});
  }

  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("darkroom-auth-" + uuid4());
};

using AuthorityTest = AuthFileTest;

TEST_F(AuthFileTest, SaysWhoseTokensAreBelieved) {
  write("hs.key", kSecret + "\n");
  write("keys.json", R"({"keys": [{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}]})");
  const AuthFile file = AuthFile::read(write("auth.yaml", R"(
keys:
  - {secret: 0123456789abcdef0123456789abcdef, id: one}
  - secret_file: hs.key
jwks: keys.json
audience: darkroom
issuer: https://idp.example
leeway: 5
admins: [anna, bob]
)"));
  ASSERT_EQ(file.keys.size(), 3U);
  EXPECT_EQ(file.keys[0].id(), "one");
  EXPECT_EQ(file.rules.audience, "darkroom");
  EXPECT_EQ(file.rules.issuer, "https://idp.example");
  EXPECT_EQ(file.rules.leeway_s, 5);
  EXPECT_EQ(file.admins.size(), 2U);
  EXPECT_EQ(file.files.size(), 3U);
}

TEST_F(AuthFileTest, MayBeAKeySetItself) {
  const AuthFile file = AuthFile::read(write("jwks.json", R"({"keys": [{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"}]})"));
  EXPECT_EQ(file.keys.size(), 1U);
}

TEST_F(AuthFileTest, SaysWhereAFaultIs) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal_of("keys:\n  - {secret: short}\n"), HasSubstr("at least 32 bytes"));
  EXPECT_THAT(refusal_of("audience: x\nkees: []\n"), HasSubstr("line 2: \"kees\" is not known here"));
  EXPECT_THAT(refusal_of("audience: x\n"), HasSubstr("names no key"));
  EXPECT_THAT(refusal_of("keys: 3\n"), HasSubstr("a list is wanted"));
  EXPECT_THAT(refusal_of("keys: [{id: x}]\n"), HasSubstr("a key has a secret"));
  EXPECT_THAT(refusal_of("keys: [{file: none.pem}]\n"), HasSubstr("none.pem can't be read"));
  EXPECT_THAT(refusal_of("leeway: 3601\nkeys: []\n"), HasSubstr("from 0 to 3600"));
  EXPECT_THAT(refusal_of("keys: [unclosed"), HasSubstr("line "));
  EXPECT_THAT(refusal_of(""), HasSubstr("must be a map"));
  EXPECT_THROW(AuthFile::read(folder / "none"), NotFound);
}

TEST_F(AuthFileTest, FilesHaveALimit) {
  const std::string keys = "keys: [{secret: 0123456789abcdef0123456789abcdef}]\n#";
  EXPECT_EQ(refusal_of(keys + std::string((1u << 20) - keys.size(), 'x')), "");
  EXPECT_THAT(refusal_of(keys + std::string((1u << 20) - keys.size() + 1, 'x')), testing::HasSubstr("longer than 1048576 bytes"));
}

TEST_F(AuthorityTest, ReadsTheFileAgainWhenItChanges) {
  const std::string other(32, 'o');
  Authority authority(write("auth.yaml", "keys: [{secret: " + kSecret + "}]\nadmins: [root]\n"));
  EXPECT_EQ(authority.verify(token(kSecret), kNow).user, "anna");
  EXPECT_TRUE(authority.is_admin("root"));
  EXPECT_THROW(authority.verify(token(other), kNow), BadToken);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a tick of the file system's clock
  write("auth.yaml", "keys: [{secret: " + other + "}]\n");
  EXPECT_EQ(authority.verify(token(other), kNow + 1).user, "anna");
  EXPECT_THROW(authority.verify(token(kSecret), kNow + 1), BadToken) << "it was believed before";
  EXPECT_FALSE(authority.is_admin("root"));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  write("auth.yaml", "nonsense");
  EXPECT_EQ(authority.verify(token(other), kNow + 2).user, "anna") << "the keys from before stay";
}

TEST_F(AuthorityTest, ATokenThatIsRememberedExpires) {
  Authority authority(write("auth.yaml", "keys: [{secret: " + kSecret + "}]\nleeway: 0\n"));
  const std::string one = token(kSecret);
  EXPECT_EQ(authority.verify(one, kNow).user, "anna");
  EXPECT_EQ(authority.verify(one, kNow + 59).user, "anna");
  EXPECT_THROW(authority.verify(one, kNow + 60), BadToken);
}

TEST_F(AuthorityTest, RemembersALimitedNumberOfTokens) {
  Authority authority(write("auth.yaml", "keys: [{secret: " + kSecret + "}]\n"));
  for (int i = 0; i < 4096 + 10; ++i) EXPECT_EQ(authority.verify(token(kSecret, "u" + std::to_string(i)), kNow).user, "u" + std::to_string(i));
  EXPECT_LE(authority.remembered(), 4096U);
  EXPECT_GE(authority.remembered(), 10U);
}

}  // namespace
}  // namespace darkroom
