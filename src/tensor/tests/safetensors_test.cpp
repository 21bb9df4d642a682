#include "tensor/safetensors.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "base/error.hpp"
#include "tensor/tests/scratch.hpp"

namespace darkroom {
namespace {

using testing::HasSubstr;

std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + std::string(data, '\0');
}

std::string fault_of(const std::string& bytes) {
  Scratch scratch;
  try {
    read_safetensors(scratch.write("hostile.safetensors", bytes));
  } catch (const InvalidInput& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Safetensors, WritesWhatItReads) {
  Scratch scratch;
  const auto numbers = at::arange(12, at::kFloat).view({3, 4});
  const std::string bytes = dump_safetensors(
      {{"b", numbers.t()}, {"a", numbers.to(at::kHalf)}, {"flag", at::full({}, true, at::kBool)}, {"none", at::empty({0, 5})}},
      {{"prompt", "{\"é\": 1}"}, {"empty", ""}});
  const auto back = read_safetensors(scratch.write("x.safetensors", bytes));
  ASSERT_EQ(back.tensors.size(), 4u);
  EXPECT_TRUE(at::equal(back.tensors.at("b"), numbers.t()));
  EXPECT_EQ(back.tensors.at("a").scalar_type(), at::kHalf);
  EXPECT_TRUE(at::equal(back.tensors.at("a").to(at::kFloat), numbers));
  EXPECT_TRUE(back.tensors.at("flag").item<bool>());
  EXPECT_EQ(back.tensors.at("none").sizes(), (std::vector<std::int64_t>{0, 5}));
  EXPECT_EQ(back.metadata.at("prompt"), "{\"é\": 1}");
  EXPECT_EQ(back.metadata.at("empty"), "");
}

TEST(Safetensors, TensorsOutliveTheFileAndItsName) {
  at::Tensor kept;
  {
    Scratch scratch;
    kept = read_safetensors(scratch.write("x.safetensors", dump_safetensors({{"a", at::arange(4, at::kLong)}}))).tensors.at("a");
  }
  kept.fill_(7);  // copy on write: allowed, and the file is nobody's business
  EXPECT_EQ(kept.sum().item<std::int64_t>(), 28);
}

TEST(Safetensors, RefusesHostileHeaders) {
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  EXPECT_EQ(fault_of(file_of(tensor("F32", "[2]", "[0,8]"), 8)), "accepted");
  EXPECT_THAT(fault_of(""), HasSubstr("hostile.safetensors: too short"));
  EXPECT_THAT(fault_of(std::string(8, '\xff')), HasSubstr("too large"));
  EXPECT_THAT(fault_of(file_of("{}", 0).substr(0, 9)), HasSubstr("beyond the end"));
  EXPECT_THAT(fault_of(file_of("{\"t\":", 0)), HasSubstr("isn't valid"));
  EXPECT_THAT(fault_of(file_of(std::string(64, '[') + std::string(64, ']'), 0)), HasSubstr("isn't valid"));
  EXPECT_THAT(fault_of(file_of("[]", 0)), HasSubstr("isn't an object"));
  EXPECT_THAT(fault_of(file_of("{\"__metadata__\":{\"a\":1}}", 0)), HasSubstr("isn't a text"));
  EXPECT_THAT(fault_of(file_of("{\"t\":5}", 0)), HasSubstr("lacks dtype"));
  EXPECT_THAT(fault_of(file_of(tensor("F31", "[2]", "[0,8]"), 8)), HasSubstr("unknown dtype F31"));
  EXPECT_THAT(fault_of(file_of(tensor("F32", "[-2]", "[0,8]"), 8)), HasSubstr("isn't made of sizes"));
  EXPECT_THAT(fault_of(file_of(tensor("F32", "[2.5]", "[0,8]"), 8)), HasSubstr("isn't made of sizes"));
  EXPECT_THAT(fault_of(file_of(tensor("F32", "[3]", "[0,8]"), 8)), HasSubstr("don't fit"));
  EXPECT_THAT(fault_of(file_of(tensor("F32", "[4294967296,4294967296]", "[0,0]"), 0)), HasSubstr("don't fit"));
  EXPECT_THAT(fault_of(file_of(tensor("F32", "[2]", "[8,0]"), 8)), HasSubstr("don't fit"));
  EXPECT_THAT(fault_of(file_of(tensor("F32", "[2]", "[-8,0]"), 8)), HasSubstr("don't fit"));
  EXPECT_THAT(fault_of(file_of(tensor("F32", "[2]", "[4,12]"), 12)), HasSubstr("hole"));
  EXPECT_THAT(fault_of(file_of(tensor("F32", "[2]", "[0,8]"), 4)), HasSubstr("cut short"));
  EXPECT_THAT(fault_of(file_of(tensor("F32", "[2]", "[0,8]"), 9)), HasSubstr("belongs to no tensor"));
  EXPECT_THAT(fault_of(file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6)),
              HasSubstr("overlaps"));
}

TEST(Safetensors, AHeaderHasALimit) {
  constexpr std::size_t kMost = 100'000'000;
  std::string header = "{}";
  header.resize(kMost, ' ');
  EXPECT_EQ(fault_of(file_of(header, 0)), "accepted");
  header += ' ';
  EXPECT_THAT(fault_of(file_of(header, 0)), HasSubstr("too large"));
}

TEST(Safetensors, SurvivesEveryMutation) {
  const std::string good = dump_safetensors({{"a", at::arange(6, at::kFloat).view({2, 3})}, {"b", at::arange(3, at::kLong)}}, {{"k", "v"}});
  Scratch scratch;
  std::uint32_t random = 1;
  const auto next = [&random] { return random = random * 1664525u + 1013904223u, random >> 8; };
  int accepted = 0;
  for (int round = 0; round < 900; ++round) {
    std::string bytes = good;
    if (round % 3 == 0) bytes.resize(next() % bytes.size());
    else for (unsigned i = 0, n = 1 + next() % 3; i < n; ++i) bytes[next() % (round % 2 ? 160 : bytes.size())] = static_cast<char>(next());
    try {
      for (const auto& [name, tensor] : read_safetensors(scratch.write("m.safetensors", bytes)).tensors) (void)tensor.clone();
      ++accepted;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, 900);
}

TEST(Safetensors, NamesAMissingFile) { EXPECT_THROW(read_safetensors("/nonexistent/x.safetensors"), NotFound); }

}  // namespace
}  // namespace darkroom
