#include "tensor/model_budget.hpp"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tensor/model_files.hpp"
#include "tensor/out_of_memory.hpp"
#include "tensor/packed.hpp"
#include "tensor/tests/scratch.hpp"

namespace darkroom {
namespace {

/// A model that is nothing but its size.
struct Weight {
  std::size_t size;
  std::size_t bytes() const { return size; }
};

/// Counts how often it was packed.
struct Model {
  Model(std::shared_ptr<ModelBudget> budget, std::size_t size)
      : packed(std::move(budget), size, [this, size] { ++times; return std::make_shared<const Weight>(size); }) {}
  std::atomic<int> times{0};
  Packed<Weight> packed;
  bool is_there() const { return packed.bytes() > 0; }
};

class Budget : public testing::Test {
 protected:
  std::shared_ptr<ModelBudget> budget_ = std::make_shared<ModelBudget>();
};

TEST_F(Budget, DropsTheLeastRecentlyUsedModelForANewOne) {
  budget_->configure({.most = 100});
  Model a(budget_, 40), b(budget_, 40), c(budget_, 40);
  a.packed.acquire();
  b.packed.acquire();
  a.packed.acquire();
  c.packed.acquire();
  EXPECT_TRUE(a.is_there());
  EXPECT_FALSE(b.is_there());
  EXPECT_EQ(budget_->bytes(), 80u);
  b.packed.acquire();  // packed anew
  EXPECT_EQ(b.times, 2);
  EXPECT_FALSE(a.is_there());
}

TEST_F(Budget, KeepsWhatSomebodyUses) {
  budget_->configure({.most = 100});
  Model a(budget_, 80), b(budget_, 80);
  const auto held = a.packed.acquire();
  b.packed.acquire();
  EXPECT_TRUE(a.is_there());
  EXPECT_EQ(budget_->bytes(), 160u);
  EXPECT_EQ(budget_->drop_all_unused(), 80u);
  EXPECT_FALSE(b.is_there());
  EXPECT_EQ(a.packed.acquire(), held);
}

TEST_F(Budget, SparesCheaperThingsFirstWhenTheMachineIsShort) {
  std::size_t available = 50, spared = 0;
  int trims = 0;
  budget_->configure({.reserve = 20, .available = [&] { return available; },
                      .spare = [&](std::size_t bytes) { spared = bytes; return std::size_t{10}; }, .trim = [&] { ++trims; }});
  Model a(budget_, 20), b(budget_, 20), c(budget_, 60);
  a.packed.acquire();
  b.packed.acquire();
  EXPECT_EQ(spared, 0u);
  available = 45;
  c.packed.acquire();  // 60 + 20 of 45: 35 are missing, 10 are spared, 25 come from models
  EXPECT_EQ(spared, 35u);
  EXPECT_FALSE(a.is_there());
  EXPECT_FALSE(b.is_there());
  EXPECT_EQ(trims, 1);
}

TEST_F(Budget, ForgetsModelsThatEnd) {
  {
    Model a(budget_, 30);
    a.packed.acquire();
    EXPECT_EQ(budget_->bytes(), 30u);
    a.packed.drop();
    EXPECT_EQ(budget_->bytes(), 0u);
    a.packed.acquire();
  }
  EXPECT_EQ(budget_->bytes(), 0u);
}

TEST_F(Budget, AModelThatFailsToPackTakesNoRoom) {
  Packed<Weight> bad(budget_, 10, []() -> std::shared_ptr<const Weight> { throw std::runtime_error("broken"); });
  EXPECT_THROW(bad.acquire(), std::runtime_error);
  EXPECT_EQ(bad.bytes(), 0u);
  EXPECT_EQ(budget_->bytes(), 0u);
}

TEST_F(Budget, WhoMayBeInterruptedPacksInItsOwnWay) {
  Model model(budget_, 7);
  EXPECT_THROW(model.packed.acquire([]() -> std::shared_ptr<const Weight> { throw std::runtime_error("cancelled"); }), std::runtime_error);
  EXPECT_EQ(budget_->bytes(), 0u);
  EXPECT_EQ(model.packed.acquire([] { return std::make_shared<const Weight>(9u); })->bytes(), 9u);
  EXPECT_EQ(model.packed.acquire()->bytes(), 9u) << "it is there already";
  EXPECT_EQ(model.times, 0);
}

TEST_F(Budget, CountsPackings) {
  Model a(budget_, 30), b(budget_, 30);
  a.packed.acquire();
  a.packed.acquire();
  b.packed.acquire();
  EXPECT_EQ(budget_->packings(), 2u);
  budget_->drop_all_unused();
  a.packed.acquire();
  EXPECT_EQ(budget_->packings(), 3u);
}

TEST_F(Budget, SaysWhatIsLeft) {
  EXPECT_EQ(budget_->available(), static_cast<std::size_t>(-1));
  budget_->configure({.available = [] { return std::size_t{5}; }});
  EXPECT_EQ(budget_->available(), 5u);
}

/// A model that holds another's layers.
struct Sharer {
  std::shared_ptr<const Weight> other;
  std::size_t bytes() const { return 10; }
};

TEST_F(Budget, WhatSharesLayersGoesBeforeWhoseTheyAre) {
  Model whole(budget_, 100);
  Packed<Sharer> sharer(budget_, 10, [&] { return std::make_shared<const Sharer>(whole.packed.acquire()); });
  sharer.acquire();
  EXPECT_EQ(budget_->drop_unused(5), 10u);
  EXPECT_TRUE(whole.is_there());
  sharer.acquire();
  EXPECT_EQ(budget_->drop_unused(50), 110u);
}

/// Memory of a device that is full when `room` models are there.
struct FullDevice {
  std::size_t room;
  std::size_t there = 0, failures = 0;

  /// What lies on it; throws as libtorch's allocator of GPUs does when it is full.
  std::shared_ptr<const Weight> put() {
    if (there == room) {
      ++failures;
      TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried to allocate 20.00 MiB.");
    }
    ++there;
    return {new Weight{20}, [this](const Weight* weight) {
              --there;
              delete weight;
            }};
  }
};

TEST_F(Budget, ADeviceThatIsFullGetsRidOfWhatNobodyUsesAndTriesOnceMore) {
  FullDevice device{.room = 2};
  const auto pack = [&] { return device.put(); };
  Packed<Weight> a(budget_, 20, pack), b(budget_, 20, pack), c(budget_, 20, pack);
  auto held = a.acquire();
  b.acquire();
  EXPECT_EQ(c.acquire()->bytes(), 20u);
  EXPECT_EQ(device.failures, 1u);
  EXPECT_EQ(b.bytes(), 0u);
  auto also = c.acquire();
  EXPECT_THROW(b.acquire(), c10::OutOfMemoryError) << "both others are in use";
  EXPECT_EQ(device.failures, 2u);
  EXPECT_EQ(budget_->bytes(), 40u);
  also.reset();
  EXPECT_EQ(with_room(budget_, [&] { return device.put(); })->bytes(), 20u) << "what models compute gets room as well";
}

TEST_F(Budget, OtherErrorsAreNotTriedAgain) {
  Model a(budget_, 20);
  a.packed.acquire();
  int calls = 0;
  const auto fail = [&]() -> int {
    ++calls;
    throw std::runtime_error("no memory of that");
  };
  EXPECT_THROW(with_room(budget_, fail), std::runtime_error);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(a.is_there());
  EXPECT_EQ(with_room(budget_, [&]() -> int { return ++calls < 3 ? throw std::bad_alloc() : calls; }), 3);
  EXPECT_FALSE(a.is_there());
  EXPECT_THROW(with_room(nullptr, []() -> int { throw std::bad_alloc(); }), std::bad_alloc);
}

TEST(OutOfMemory, IsToldByTypeAndByText) {
  const auto says = [](const std::string& text) { return is_out_of_memory(c10::Error(text)); };
  EXPECT_TRUE(is_out_of_memory(c10::OutOfMemoryError("full")));
  EXPECT_TRUE(says("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 80 bytes."));
  EXPECT_TRUE(says("CUDA error: out of memory"));
  EXPECT_TRUE(says("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"));
  EXPECT_FALSE(says("The size of tensor a (3) must match the size of tensor b (4)"));
}

TEST_F(Budget, IsNeededByNobodyToPack) {
  Model alone(nullptr, 7);
  EXPECT_EQ(alone.packed.acquire()->bytes(), 7u);
}

TEST_F(Budget, ManyThreadsShareModels) {
  budget_->configure({.most = 100});
  std::vector<std::unique_ptr<Model>> models;
  for (int i = 0; i < 8; ++i) models.push_back(std::make_unique<Model>(budget_, 30));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const auto held = models[static_cast<std::size_t>(i * (t + 3)) % models.size()]->packed.acquire();
        if (held->bytes() != 30) std::abort();
      }
    });
  for (auto& thread : threads) thread.join();
  budget_->drop_all_unused();
  EXPECT_EQ(budget_->bytes(), 0u);
}

class Files : public testing::Test {
 protected:
  void write(const char* text) { std::ofstream(file_) << text; }
  Scratch folder_;
  std::filesystem::path file_ = folder_.path() / "model";
  ModelFiles<Weight> files_{2};
  int opened_ = 0;
  std::shared_ptr<const Weight> get(const Compute& compute = {}) {
    return files_.get(file_, compute, [this](const auto&) { ++opened_; return std::make_shared<const Weight>(1u); });
  }
};

TEST_F(Files, AreOpenedOnceUntilTheyChange) {
  write("one");
  const auto first = get();
  EXPECT_EQ(get(), first);
  EXPECT_NE(get({.dtype = at::kBFloat16}), first);
  EXPECT_EQ(get(), first);  // both are kept
  write("longer");
  EXPECT_NE(get(), first);
  EXPECT_EQ(opened_, 3);
}

TEST_F(Files, AreTriedAgainAfterAFailure) {
  write("one");
  const auto fail = [](const std::filesystem::path&) -> std::shared_ptr<const Weight> { throw std::runtime_error("broken"); };
  EXPECT_THROW(files_.get(file_, {}, fail), std::runtime_error);
  EXPECT_NE(get(), nullptr);
}

TEST_F(Files, AreForgottenInTheOrderOfUse) {
  std::weak_ptr<const Weight> oldest;
  for (const char* name : {"a", "b", "c"}) {
    file_ = folder_.path() / name;
    write("one");
    const auto model = get();
    if (oldest.expired() && *name == 'a') oldest = model;
  }
  EXPECT_TRUE(oldest.expired());
}

TEST_F(Files, OfDifferentNamesDoNotWaitForEachOther) {
  write("one");
  const auto other = folder_.path() / "other";
  std::ofstream(other) << "one";
  const auto outer = files_.get(file_, {}, [&](const auto&) {
    files_.get(other, {}, [](const auto&) { return std::make_shared<const Weight>(2u); });
    return std::make_shared<const Weight>(1u);
  });
  EXPECT_EQ(outer->bytes(), 1u);
}

}  // namespace
}  // namespace darkroom
