#include "identity/signer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "identity/base64url.hpp"

namespace darkroom {
namespace {

TEST(Base64Url, WritesAndReads) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("\xfb\xff\xfe"), "-__-");
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string bytes = random_bytes(size);
    EXPECT_EQ(base64url_decode(base64url(bytes)), bytes);
  }
  for (const char* text : {"Z", "Zg==", "Zh", "Zm9", "a+b/", "a b", "Zg\n"}) EXPECT_EQ(base64url_decode(text), std::nullopt) << text;
}

TEST(Signer, BelievesWhatItSigned) {
  const Signer signer("secret");
  const std::string text = signer.sign("ticket", {{"user", "anna"}, {"exp", 100}});
  EXPECT_EQ(string_or(*signer.verify("ticket", text, 99), "user", ""), "anna");
  EXPECT_EQ(signer.verify("ticket", text, 100), std::nullopt) << "expired";
  EXPECT_EQ(signer.verify("session", text, 99), std::nullopt) << "for another purpose";
  EXPECT_EQ(Signer("other").verify("ticket", text, 99), std::nullopt);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(signer.verify("ticket", changed, 99), std::nullopt) << i;
  }
  for (const char* none : {"", ".", "a.", ".b", "a.b"}) EXPECT_EQ(signer.verify("ticket", none, 99), std::nullopt);
}

TEST(Signer, TextsHaveALimit) {
  const Signer signer("secret");
  const auto sized = [&](std::size_t letters) { return signer.sign("x", {{"a", std::string(letters, 'a')}}); };
  std::size_t letters = 3000;
  while (sized(letters + 1).size() <= 4096) ++letters;
  EXPECT_NE(signer.verify("x", sized(letters), 0), std::nullopt);
  EXPECT_EQ(signer.verify("x", sized(letters + 3), 0), std::nullopt);
}

TEST(Signer, RemembersALimitedNumberOfTexts) {
  const Signer signer("secret");
  for (int i = 0; i < 4096 + 10; ++i) {
    const std::string text = signer.sign("x", {{"i", i}, {"exp", 100}});
    EXPECT_NE(signer.verify("x", text, 99), std::nullopt);
    EXPECT_EQ(signer.verify("x", text, 100), std::nullopt) << "remembered, but over";
    EXPECT_EQ(signer.verify("y", text, 99), std::nullopt) << "remembered, but for something else";
  }
  EXPECT_EQ(signer.remembered(), 10U);
}

TEST(Signer, KeepsItsSecretInAFile) {
  const auto folder = std::filesystem::temp_directory_path() / ("darkroom-signer-" + uuid4());
  std::filesystem::create_directories(folder);
  const auto file = folder / "server.secret";
  const std::string text = Signer::of_file(file).sign("x", {{"a", 1}});
  EXPECT_NE(Signer::of_file(file).verify("x", text, 0), std::nullopt);
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(info.st_size, 32);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "nothing is left beside it";
  std::ofstream(file) << "short";
  EXPECT_THROW(Signer::of_file(file), InvalidInput);
  EXPECT_THROW(Signer::of_file(folder / "none" / "server.secret"), Forbidden);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace darkroom
