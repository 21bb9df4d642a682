#include "storage/safetensors_head.hpp"

#include <gtest/gtest.h>

#include <string>

#include "storage/tests/scratch_folder.hpp"

namespace darkroom {
namespace {

TEST(SafetensorsHead, SaysWhatSizeAModelWasMadeFor) {
  const ScratchFolder scratch;
  const std::string head = R"({"__metadata__":{"modelspec.resolution":"768x512"}})";
  std::string file(8, '\0');
  file[0] = static_cast<char>(head.size());
  const auto metadata = safetensors_metadata(scratch.write("a.safetensors", file + head));
  ASSERT_TRUE(metadata);
  EXPECT_EQ(resolution_of(*metadata), std::pair(std::int64_t{768}, std::int64_t{512}));
  for (const char* other :
       {R"({})", R"({"modelspec.resolution":"large"})", R"({"modelspec.resolution":512})", R"({"modelspec.resolution":"0x0"})"})
    EXPECT_FALSE(resolution_of(parse_json(other).as_object())) << other;
}

TEST(SafetensorsHead, WhatHasNoMetadataGivesNone) {
  const ScratchFolder scratch;
  const auto file = [&](const std::string& head, std::size_t size) {
    return scratch.write("a.safetensors", std::string{static_cast<char>(size)} + std::string(7, '\0') + head);
  };
  const std::string head = R"({"__metadata__":{"a":"b"}})";
  EXPECT_TRUE(safetensors_metadata(file(head, head.size()), head.size()));
  EXPECT_FALSE(safetensors_metadata(file(head, head.size()), head.size() - 1)) << "longer than is asked for";
  EXPECT_FALSE(safetensors_metadata(file(head, head.size() + 1))) << "cut off";
  EXPECT_FALSE(safetensors_metadata(file("{}", 2)));
  EXPECT_FALSE(safetensors_metadata(file("{,", 2)));
  EXPECT_FALSE(safetensors_metadata(scratch / "nothing.safetensors"));
}

}  // namespace
}  // namespace darkroom
