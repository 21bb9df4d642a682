// Noise: the recorded draws (tests/data/golden/unit/noise.*), bit for bit.
#include "diffusion/noise.hpp"

#include <ATen/ops/equal.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "diffusion/brownian.hpp"
#include "diffusion/seed_sequence.hpp"
#include "diffusion/tests/unit_records.hpp"

namespace darkroom {
namespace {

class GoldenUnit_Noise : public testing::Test {
 protected:
  std::uint64_t number(const json::value& text) { return text.is_string() ? std::stoull(std::string(text.as_string())) : text.to_number<std::uint64_t>(); }
  const json::array& rows(std::string_view name) { return records_.about.at(name).as_array(); }
  const at::Tensor& want(const json::value& row) { return records_.tensors.at(std::string(row.at("key").as_string())); }

  UnitRecords records_{"noise"};
};

TEST_F(GoldenUnit_Noise, OfSeeds) {
  for (const auto& row : rows("randn")) EXPECT_TRUE(at::equal(prepare_noise(number(row.at("seed")), want(row).sizes()), want(row))) << row;
}

TEST_F(GoldenUnit_Noise, OfBatchIndices) {
  for (const auto& row : rows("index")) {
    std::vector<std::int64_t> indices;
    for (const auto& index : row.at("batch_index").as_array()) indices.push_back(index.as_int64());
    EXPECT_TRUE(at::equal(prepare_noise(number(row.at("seed")), want(row).sizes(), indices), want(row))) << row;
  }
}

TEST_F(GoldenUnit_Noise, OfAncestralSamplers) {
  for (const auto& row : rows("sampler")) {
    NormalSource source(number(row.at("seed")) + 1);
    const auto shape = want(row).sizes().slice(1);
    std::vector<at::Tensor> draws;
    for (std::int64_t i = 0; i < want(row).size(0); ++i) draws.push_back(source.draw(shape));
    EXPECT_TRUE(at::equal(at::stack(draws), want(row))) << row;
  }
}

TEST_F(GoldenUnit_Noise, SeedSequences) {
  for (const auto& row : rows("seedsequence")) {
    std::vector<std::uint64_t> key;
    for (const auto& part : row.at("spawn_key").as_array()) key.push_back(part.to_number<std::uint64_t>());
    const auto& state = row.at("state").as_array();
    const auto got = seed_sequence(number(row.at("entropy")), key, row.at("pool_size").to_number<std::size_t>(), state.size());
    for (std::size_t i = 0; i < state.size(); ++i) EXPECT_EQ(got[i], state[i].to_number<std::uint32_t>()) << row;
  }
}

TEST_F(GoldenUnit_Noise, BrownianTrees) {
  for (const auto& row : rows("brownian")) {
    const auto time = [&](std::string_view name) { return row.at(name).to_number<double>(); };
    BrownianTree tree(time("sigma_min"), time("sigma_max"), number(row.at("seed")), want(row).sizes().vec());
    EXPECT_TRUE(at::equal(tree.noise(time("from"), time("to")), want(row))) << row;
  }
}

TEST(Brownian, DoesNotDependOnTheOrderOfQuestions) {
  BrownianTree forwards(0.03, 14.6, 7, {1, 4, 3, 3}), backwards(0.03, 14.6, 7, {1, 4, 3, 3});
  std::vector<double> times;
  for (int i = 0; i <= 60; ++i) times.push_back(0.03 * std::pow(14.6 / 0.03, i / 60.0));
  std::vector<at::Tensor> there, back;
  for (std::size_t i = 1; i < times.size(); ++i) there.push_back(forwards.increment(times[i - 1], times[i]));
  for (std::size_t i = times.size() - 1; i > 0; --i) back.insert(back.begin(), backwards.increment(times[i - 1], times[i]));
  EXPECT_TRUE(at::equal(at::stack(there), at::stack(back)));
  EXPECT_LT((at::stack(there).sum(0) - forwards.increment(0.03, 14.6)).abs().max().item<double>(), 1e-4);
}

TEST(Brownian, IncrementsHaveTheVarianceOfTheirLength) {
  BrownianTree tree(0, 10, 3, {1, 4, 64, 64});
  EXPECT_NEAR(tree.increment(2, 5).square().mean().item<double>(), 3, 0.15);
  EXPECT_NEAR(tree.noise(9.3, 1.7).square().mean().item<double>(), 1, 0.05);
  EXPECT_EQ(tree.increment(4, 4).abs().max().item<double>(), 0);
  EXPECT_EQ(tree.increment(-5, -1).abs().max().item<double>(), 0) << "outside of the interval nothing moves";
}

TEST(Brownian, RefusesAnEmptyInterval) {
  EXPECT_THROW(BrownianTree(1, 1, 0, {1}), InvalidInput);
  EXPECT_THROW(BrownianTree(0, std::nan(""), 0, {1}), InvalidInput);
}

TEST(Noise, RefusesWrongIndices) {
  EXPECT_THROW(prepare_noise(0, {1, 4, 2, 2}, std::vector<std::int64_t>{-1}), InvalidInput);
  EXPECT_THROW(prepare_noise(0, {1, 4, 2, 2}, std::vector<std::int64_t>{1'000'000'000'000}), InvalidInput);
  EXPECT_THROW(prepare_noise(0, {1, 4, 2, 2}, std::vector<std::int64_t>{}), InvalidInput);
}

TEST(Noise, AnIndexHasALimit) {
  constexpr std::int64_t kMost = 1 << 20;
  EXPECT_EQ(prepare_noise(0, {1, 1, 1, 1}, std::vector{kMost}).numel(), 1);
  EXPECT_THROW(prepare_noise(0, {1, 1, 1, 1}, std::vector{kMost + 1}), InvalidInput);
}

TEST(Noise, DisabledIsZeroAndSeedless) {
  EXPECT_EQ(disabled_noise()->noise({2, 4, 3, 3}, std::nullopt).abs().sum().item<double>(), 0);
  EXPECT_EQ(random_noise(5)->seed(), 5u);
  EXPECT_TRUE(at::equal(random_noise(5)->noise({1, 4, 3, 3}, std::nullopt), prepare_noise(5, {1, 4, 3, 3})));
}

}  // namespace
}  // namespace darkroom
