#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "gateway/features.hpp"
#include "gateway/serve_command.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Parsed {
  Options options;
  ServeNotes notes;
};

Parsed parse(std::vector<std::string> arguments) {
  Parsed out;
  std::string config;
  CLI::App app("serve");
  declare_options(app, out.options, config, out.notes);
  arguments = fill_optional_values(std::move(arguments));
  std::reverse(arguments.begin(), arguments.end());
  app.parse(arguments);
  if (!config.empty()) apply_config_file(app, config);
  return out;
}

TEST(ServeOptions, ComfyUisFlagsKeepTheirMeaning) {
  const Parsed parsed = parse({"--listen", "--port", "9000", "--cache-lru", "7", "--enable-cors-header", "--max-upload-size", "200", "--verbose",
                               "--disable-metadata", "--preview-method", "auto"});
  EXPECT_THAT(parsed.options.listen, ElementsAre("0.0.0.0", "::"));
  EXPECT_EQ(parsed.options.port, 9000);
  EXPECT_EQ(parsed.options.cache, "lru");
  EXPECT_EQ(parsed.options.cache_size, 7);
  EXPECT_TRUE(parsed.options.enable_cors);
  EXPECT_EQ(parsed.options.cors_origin, "*");
  EXPECT_EQ(parsed.options.verbose, "DEBUG");
  EXPECT_EQ(parsed.options.max_body_bytes(), 200u << 20);
  EXPECT_TRUE(parsed.options.disable_metadata);
  EXPECT_TRUE(parsed.notes.lines.empty());
  EXPECT_THAT(parse({"--listen", "10.0.0.1, ::1"}).options.listen, ElementsAre("10.0.0.1", "::1"));
  EXPECT_THAT(parse({}).options.listen, ElementsAre("127.0.0.1"));
}

TEST(ServeOptions, CachesAndPreviews) {
  EXPECT_EQ(parse({"--cache-lru", "0"}).options.cache, "classic") << "as in ComfyUI";
  EXPECT_EQ(parse({"--cache-ram"}).options.cache_size, std::int64_t{4} << 30);
  const Parsed ram = parse({"--cache-ram", "1.5", "--preview-size", "256"});
  EXPECT_EQ(ram.options.cache, "ram");
  EXPECT_EQ(ram.options.cache_size, std::int64_t{3} << 29);
  EXPECT_EQ(ram.options.preview_size, 256);
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"--preview-size", "0"}, {"--preview-size", "big"}, {"--cache-ram", "-1"}})
    EXPECT_THROW(parse(arguments), CLI::ParseError) << arguments.back();
}

TEST(ServeOptions, TheHashOfUploadsHasNoEffectAndSaysSo) {
  EXPECT_THAT(parse({"--default-hashing-function", "md5"}).notes.lines, ElementsAre(HasSubstr("no effect")));
  EXPECT_THROW(parse({"--default-hashing-function", "crc32"}), CLI::ParseError);
}

TEST(ServeOptions, Patience) {
  const Parsed parsed = parse({"--keep-alive", "5", "--cancel-grace", "0.5"});
  EXPECT_EQ(parsed.options.keep_alive_s, 5);
  EXPECT_EQ(parsed.options.cancel_grace_s, 0.5);
  EXPECT_THROW(parse({"--keep-alive", "0"}), CLI::ParseError);
}

TEST(ServeOptions, FlagsThatMeanNothingHereGetOneLine) {
  const Parsed parsed = parse({"--lowvram", "--fast", "fp16_accumulation", "autotune", "--cuda-device", "0", "--port", "9001", "--directml", "--auto-launch"});
  EXPECT_EQ(parsed.options.port, 9001);
  EXPECT_EQ(parsed.notes.lines.size(), 5u);
  EXPECT_THAT(parsed.notes.lines, testing::Contains(HasSubstr("--lowvram")));
}

TEST(ServeOptions, WhatComesLaterIsRefusedWithALine) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--vram", "8G"}, {"--broker", "redis://x"}, {"--storage", "s3://x"}}) {
    try {
      parse(arguments);
      ADD_FAILURE() << arguments.front();
    } catch (const CLI::ParseError& error) {
      EXPECT_THAT(error.what(), HasSubstr("later version"));
    }
  }
  EXPECT_NO_THROW(parse({"--broker", "sqlite", "--storage", "folder"}));
  EXPECT_THROW(parse({"--no-such-flag"}), CLI::ParseError);
  EXPECT_THROW(parse({"--precision", "fp8"}), CLI::ParseError);
  EXPECT_THROW(parse({"--ram", "lots"}), CLI::ParseError);
}

TEST(ServeOptions, FileAndEnvironment) {
  const auto file = std::filesystem::temp_directory_path() / "darkroom-options-test.toml";
  std::ofstream(file) << "port = 9100\nmax-queue = 5\ncache-none = true\nlisten = \"0.0.0.0\"\nram = \"2G\"\n[serve]\nmax_history = 77\n";
  ::setenv("DARKROOM_MAX_QUEUE", "6", 1);
  ::setenv("DARKROOM_WORKERS", "3", 1);
  const Parsed parsed = parse({"--config", file.string(), "--port", "9200"});
  ::unsetenv("DARKROOM_MAX_QUEUE");
  ::unsetenv("DARKROOM_WORKERS");
  EXPECT_EQ(parsed.options.port, 9200) << "the command line goes first";
  EXPECT_EQ(parsed.options.max_queue, 6) << "then the environment";
  EXPECT_EQ(parsed.options.max_history, 77) << "then the file";
  EXPECT_EQ(parsed.options.workers, 3);
  EXPECT_EQ(parsed.options.cache, "none");
  EXPECT_EQ(parsed.options.ram_bytes, 2ull << 30);
  EXPECT_THAT(parsed.options.listen, ElementsAre("0.0.0.0"));
  std::ofstream(file) << "prot = 1\n";
  EXPECT_THROW(parse({"--config", file.string()}), InvalidInput);
  EXPECT_THROW(parse({"--config", "/no/such/file"}), InvalidInput);
  std::filesystem::remove(file);
}

TEST(ParseSize, UnitsArePowersOf1024) {
  EXPECT_EQ(parse_size("1024"), 1024u);
  EXPECT_EQ(parse_size("900M"), 900ull << 20);
  EXPECT_EQ(parse_size("8g"), 8ull << 30);
  EXPECT_EQ(parse_size("1.5 GiB"), 3ull << 29);
  EXPECT_EQ(parse_size("2kb"), 2048u);
  EXPECT_EQ(parse_size("0"), 0u);
  for (const char* text : {"", "G", "-1G", "1X", "1ib", "many", "1e40"}) EXPECT_THROW(parse_size(text), InvalidInput) << text;
}

TEST(Features, TheLimitIsAnIntegerUnlessItWasGiven) {
  Options options;
  EXPECT_EQ(dump(features(options)), R"({"supports_preview_metadata":true,"max_upload_size":104857600,"extension":{"manager":{"supports_v4":true}}})");
  options.max_upload_mb = 200;
  options.max_upload_given = true;
  EXPECT_TRUE(features(options).at("max_upload_size").is_double());
}

}  // namespace
}  // namespace darkroom
