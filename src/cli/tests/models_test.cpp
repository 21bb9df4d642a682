// What `darkroom models` decides before it asks anybody: addresses, names, lists, proxies. The downloads are in tests/e2e.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/byte_range.hpp"
#include "cli/known_models.hpp"
#include "cli/model_target.hpp"
#include "cli/resumable_file.hpp"
#include "cli/terminal.hpp"
#include "client/proxy.hpp"
#include "outbound/web_address.hpp"

namespace darkroom {
namespace {

namespace fs = std::filesystem;

class Scratch : public ::testing::Test {
 protected:
  Scratch() { fs::create_directories(folder); }
  ~Scratch() override { fs::remove_all(folder); }
  fs::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return folder / name;
  }
  const fs::path folder = fs::temp_directory_path() / ("darkroom-models-" + random_hex(12));
};
using KnownModelsTest = Scratch;
using ModelTarget = Scratch;
using Resumable = Scratch;

TEST(WebAddress, IsReadAndWritten) {
  const auto plain = WebAddress::parse("https://Example.org/a/b%20c.safetensors?x=1&y=/z#part");
  EXPECT_TRUE(plain.server.tls);
  EXPECT_EQ(plain.server.port, "443");
  EXPECT_EQ(plain.target, "/a/b%20c.safetensors?x=1&y=/z");
  EXPECT_EQ(plain.file_name(), "b c.safetensors");
  EXPECT_EQ(plain.text(), "https://Example.org/a/b%20c.safetensors?x=1&y=/z");
  EXPECT_EQ(WebAddress::parse("http://[::1]:81?q").text(), "http://[::1]:81/?q");
  EXPECT_EQ(WebAddress::parse("http://h").target, "/");
  EXPECT_EQ(WebAddress::parse("http://h/ä").target, "/%C3%A4");
  for (const char* bad : {"ftp://h/a", "h/a", "http://", "http://u:p@h/a", "http://u@h/a", "http://h/a b", "http://h/a\r\nX: y", "http://h:x/a", "http://h\n/a"})
    EXPECT_THROW(WebAddress::parse(bad), InvalidInput) << bad;
}

TEST(WebAddress, FollowsRedirects) {
  const auto from = WebAddress::parse("https://h:8443/a/b/c?d=e/f");
  EXPECT_EQ(from.follow("https://other/x").text(), "https://other/x");
  EXPECT_EQ(from.follow("//other/x?y=http://z").text(), "https://other/x?y=http://z");
  EXPECT_EQ(from.follow("/x").text(), "https://h:8443/x");
  EXPECT_EQ(from.follow("x?y=a://b").text(), "https://h:8443/a/b/x?y=a://b");
  EXPECT_EQ(from.follow("?g#h").text(), "https://h:8443/a/b/c?g");
  EXPECT_EQ(from.follow("../x").text(), "https://h:8443/a/x");
  EXPECT_EQ(from.follow("./x/../../../../y/.").text(), "https://h:8443/y/");
  EXPECT_EQ(from.follow("..?a=../b").text(), "https://h:8443/a/?a=../b");
  EXPECT_THROW(from.follow("http://h/x"), Forbidden);
  EXPECT_THROW(from.follow("file:///etc/passwd"), InvalidInput);
  EXPECT_THROW(from.follow("/x\ny"), InvalidInput);
}

TEST(Proxy, ComesFromTheEnvironment) {
  const auto proxy = [](const char* address, std::map<std::string, std::string> set) {
    const auto found = proxy_for(ServerUrl::parse(address), [&](const char* name) { return set[name]; });
    return found ? found->authority() : std::string("none");
  };
  EXPECT_EQ(proxy("https://a.org", {}), "none");
  EXPECT_EQ(proxy("https://a.org", {{"https_proxy", "http://p:3128/"}}), "p:3128");
  EXPECT_EQ(proxy("https://a.org", {{"HTTPS_PROXY", "p:3128"}, {"http_proxy", "http://q:1"}}), "p:3128");
  EXPECT_EQ(proxy("http://a.org", {{"HTTP_PROXY", "http://p:1"}}), "none") << "a CGI program's client could set it";
  EXPECT_EQ(proxy("http://a.org", {{"http_proxy", "http://p:1"}}), "p:1");
  for (const char* list : {"a.org", "x, .A.org", "*", "org"}) EXPECT_EQ(proxy("https://A.org", {{"https_proxy", "http://p:1"}, {"no_proxy", list}}), "none") << list;
  for (const char* list : {"b.org", "aa.org", ","}) EXPECT_EQ(proxy("https://xa.org", {{"https_proxy", "http://p:1"}, {"NO_PROXY", list}}), "p:1") << list;
  EXPECT_THROW(proxy("https://a.org", {{"https_proxy", "https://p:1"}}), InvalidInput);
}

TEST(ContentRange, IsRead) {
  const auto part = parse_content_range("bytes 100-199/1000");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->first, 100u);
  EXPECT_EQ(part->last, 199u);
  EXPECT_EQ(part->size, 1000u);
  EXPECT_FALSE(parse_content_range("bytes 5-5/*")->size);
  EXPECT_EQ(parse_content_range("Bytes */7")->size, 7u);
  for (const char* bad : {"", "bytes", "bytes 1-2", "bytes 2-1/9", "bytes 1-9/9", "bytes -1/9", "bytes 1-/9", "bytes */*", "bytes 1-2/x", "items 1-2/9", "bytes 1-99999999999999999999/9"})
    EXPECT_FALSE(parse_content_range(bad)) << bad;
}

TEST_F(ModelTarget, LiesInTheUsersFolderOfItsKind) {
  Folders folders = Folders::below(folder);
  EXPECT_EQ(model_target(folders, "checkpoints", "a.safetensors"), folder / "models/checkpoints/a.safetensors");
  EXPECT_EQ(model_target(folders, "clip", "a.pt"), folder / "models/text_encoders/a.pt");
  EXPECT_EQ(model_target(folders, "unet", "a.sft"), folder / "models/diffusion_models/a.sft");
  EXPECT_EQ(model_target(folders, "upscale_models", "a.PTH"), folder / "models/upscale_models/a.PTH");
  folders.add_extra_paths(write("extra.yaml", "a:\n  base_path: disk\n  is_default: true\n  unet: big\n  ipadapter: ip\n"));
  EXPECT_EQ(model_target(folders, "diffusion_models", "a.sft"), folder / "disk/big/a.sft");
  EXPECT_EQ(model_target(folders, "ipadapter", "a.bin"), folder / "disk/ip/a.bin");
  EXPECT_THROW(model_target(folders, "ipadapter", "a.py"), InvalidInput) << "a folder that lists any file gets weights only";
}

TEST_F(ModelTarget, NamesHaveALimit) {
  const Folders folders = Folders::below(folder);
  const std::string ending = ".safetensors";
  EXPECT_NO_THROW(model_target(folders, "vae", std::string(200 - ending.size(), 'n') + ending));
  EXPECT_THROW(model_target(folders, "vae", std::string(201 - ending.size(), 'n') + ending), InvalidInput);
  for (const char* bad : {"", "..", "../a.pt", "a/b.pt", "a\\b.pt", ".a.pt", "a.exe", "a", "a\n.pt", "\xff.pt", "/etc/a.pt"})
    EXPECT_THROW(model_target(folders, "vae", bad), InvalidInput) << bad;
  for (const char* bad : {"", "custom_nodes", "configs", "diffusers", "..", "input"}) EXPECT_THROW(model_target(folders, bad, "a.pt"), InvalidInput) << bad;
}

TEST_F(KnownModelsTest, LaterFilesReplaceEntries) {
  const std::string rest = ", folder: loras, file: a.pt, licence: MIT}\n";
  KnownModels known;
  known.add_file(write("a.yaml", "a: {url: 'https://h/1'" + rest + "b: {url: 'https://h/2', accept: true, size: 5" + rest));
  known.add_file(write("b.yaml", "b: {url: 'https://h/3'" + rest + "c: {url: 'https://h/4'" + rest));
  known.add_file(write("empty.yaml", "# nothing\n"));
  ASSERT_EQ(known.all().size(), 3u);
  EXPECT_EQ(known.find("b")->url, "https://h/3");
  EXPECT_FALSE(known.find("b")->must_accept);
  EXPECT_FALSE(known.find("d"));
  EXPECT_THROW(known.add_file(write("bad.yaml", "a: {url: x, accept: perhaps" + rest)), InvalidInput);
  EXPECT_THROW(known.add_file(write("bad.yaml", "a: {url: x, size: -1" + rest)), InvalidInput);
  EXPECT_THROW(known.add_file(folder / "none.yaml"), InvalidInput);
}

TEST(KnownModels, AListHasALimit) {
  const fs::path file = fs::temp_directory_path() / ("darkroom-list-" + random_hex(12));
  const auto read = [&](std::size_t bytes) {
    std::ofstream(file) << "#" + std::string(bytes - 1, ' ');
    KnownModels().add_file(file);
  };
  EXPECT_NO_THROW(read(1u << 20));
  EXPECT_THROW(read((1u << 20) + 1), InvalidInput);
  fs::remove(file);
}

TEST_F(Resumable, KeepsWhatHasComeAndItsOrigin) {
  const fs::path target = folder / "m.bin";
  {
    ResumableFile file(target);
    EXPECT_THROW(ResumableFile{target}, Conflict);
    file.restart({"http://h/m", "\"e\"", 6});
    file.write("abc");
  }
  EXPECT_FALSE(fs::exists(target));
  ResumableFile file(target);
  EXPECT_EQ(file.size(), 3u);
  EXPECT_EQ(file.origin().address, "http://h/m");
  EXPECT_EQ(file.origin().etag, "\"e\"");
  EXPECT_EQ(file.origin().size, 6u);
  file.write("def");
  EXPECT_EQ(file.sha256(), sha256_hex("abcdef"));
  EXPECT_EQ(file.sha256(), sha256_hex("abcdef")) << "asked again";
  file.place(false);
  EXPECT_EQ(sha256_hex_of_file(target.string()), sha256_hex("abcdef"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1) << "the part and its note are gone";
}

TEST_F(Resumable, TakesNobodysPlaceUnasked) {
  const fs::path target = write("m.bin", "there");
  {
    ResumableFile file(target);
    file.restart({"a", "", 3});
    file.write("new");
    EXPECT_THROW(file.place(false), Conflict);
    file.place(true);
  }
  EXPECT_EQ(sha256_hex_of_file(target.string()), sha256_hex("new"));
  { ResumableFile untouched(folder / "other.bin"); }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1) << "an empty part does not stay";
}

TEST(Terminal, Durations) {
  EXPECT_EQ(duration_text(0), "0:00");
  EXPECT_EQ(duration_text(6.2), "0:07");
  EXPECT_EQ(duration_text(750), "12:30");
  EXPECT_EQ(duration_text(3723), "1:02:03");
}

}  // namespace
}  // namespace darkroom
