#include "worker/executor.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.hpp"
#include "worker/job_run.hpp"
#include "worker/memory.hpp"
#include "worker/models.hpp"

namespace darkroom {
namespace {

/// Shares of --ram. Models may take the first of it; over the second, results and models give way, down to the third; a tensor that
/// would pass the last is refused. The gateway ends the process at the whole.
constexpr double kModels = 0.6, kShort = 0.85, kEnough = 0.75, kMost = 0.95;
/// What is left free for a network's activations when its weights come in: this, or on the processor a tenth of --ram if that is less.
constexpr std::size_t kReserve = std::size_t{1} << 30;

std::size_t share(double part, std::size_t whole) { return static_cast<std::size_t>(part * static_cast<double>(whole)); }

/// What the process may still take: of the machine, and of its own limit where it has one.
std::size_t left(std::size_t limit) {
  const std::size_t machine = available_bytes();
  if (limit == 0) return machine;
  const std::size_t used = resident_bytes();
  return std::min(machine, limit - std::min(limit, used));
}

/// What tensors may still take on a GPU. All that there can be, while nothing has computed there.
std::size_t left_on_gpu(const std::optional<GpuMemory>& memory) {
  return memory ? static_cast<std::size_t>(memory->free + memory->kept) : std::numeric_limits<std::size_t>::max();
}

}  // namespace

Node& Instances::get(const PromptNode& node) {
  Instance& instance = instances_[node.given.id];
  if (!instance.node || instance.node_class != node.class_name()) instance = {node.class_name(), node.ids.real, node.node_class->make()};
  return *instance.node;
}

void Instances::begin_prompt(const DynamicPrompt& prompt) {
  std::erase_if(instances_, [&](const auto& item) { return prompt.find(item.second.real) == kNoNode; });
}

Executor::Executor(const Registry& registry) : registry_(registry), models_(std::make_shared<ModelBudget>()) { share_budget(); }

Executor::~Executor() {
  if (settings_.memory_limit > 0) watch_allocations(nullptr);
}

void Executor::configure(ExecutorSettings settings, CacheMode cache, std::size_t cache_limit) {
  settings_ = std::move(settings);
  cache_.configure(cache, cache_limit);
  watch_allocations(settings_.memory_limit > 0 ? &before_allocation_ : nullptr);
  share_memory_out();
}

/// Models lie where they are computed: in a GPU's memory they take nothing of the machine's, and cached results nothing of theirs.
void Executor::share_memory_out() {
  if (const auto& gpu = settings_.device.gpu) {
    models_->configure({.reserve = kReserve,
                        .available = [ask = settings_.ask_gpu, index = *gpu] { return left_on_gpu(ask(index)); },
                        .trim = trim_gpu_memory});
    return;
  }
  const std::size_t limit = settings_.memory_limit;
  models_->configure({.most = share(kModels, limit),
                      .reserve = limit > 0 ? std::min(kReserve, limit / 10) : kReserve,
                      .available = [limit] { return left(limit); },
                      .spare = [this](std::size_t bytes) { return spare(bytes); },
                      .trim = trim_memory});
}

/// Nodes find the budget among the shared objects.
void Executor::share_budget() {
  shared_.get(kModelBudget, [this] { return models_; });
}

/// A model comes in: cached results are cheaper than models.
std::size_t Executor::spare(std::size_t bytes) {
  if (std::this_thread::get_id() != thread_) return 0;  // an async call's own thread; the cache is the execution thread's
  const std::size_t given = cache_.drop_until(bytes);
  if (given > 0) trim_memory();
  return given;
}

/// What the code of packs keeps in a node object, or believes of folders, is of the user whose job it was.
void Executor::enter_room(const std::string& owner) {
  const std::string_view room = room_of(owner);
  if (room == room_) return;
  room_ = room;
  room_salt_ = room == kLocalUser ? Hash128() : hash128(room);
  instances_.clear();
  if (!registry_.on_folders) return;
  const Folders folders = settings_.folders.of_user(owner);
  for (const auto& folder : {folders.input, folders.output, folders.temp}) {
    std::error_code ignored;  // whoever writes there says what is wrong
    std::filesystem::create_directories(folder, ignored);
  }
  registry_.on_folders(folders);
}

void Executor::run(const Job& job, const EventSink& sink, const std::atomic<bool>& interrupt) {
  enter_room(job.owner);
  std::erase_if(orphans_, [](const Orphan& orphan) { return orphan.call->result.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  thread_ = std::this_thread::get_id();
  JobRun(*this, job, sink, interrupt).run();
  if (cache_.keeps_nothing()) instances_.clear();
  if (std::exchange(ran_out_of_memory_, false)) {  // the next job shall find room
    free(true, false);
    trim_memory();
    next_watch_ = {};
    watch_memory();
  }
}

/// A node is about to allocate a large tensor: what is kept only for speed goes before it fails.
void Executor::make_room(std::size_t bytes) {
  const std::size_t limit = settings_.memory_limit, enough = share(kShort, limit);
  if (resident_bytes() + bytes <= enough) return;
  trim_memory();  // what is free already
  std::size_t used = resident_bytes();
  if (used + bytes > enough && std::this_thread::get_id() == thread_) {
    give_way(used + bytes - enough);
    used = resident_bytes();
  }
  TORCH_CHECK_WITH(OutOfMemoryError, used + bytes <= share(kMost, limit), bytes >> 20, " MiB are asked for, and ", used >> 20, " of ", limit >> 20,
                   " MiB are in use (--ram)");
}

/// Gives up cached results, then models that nobody uses, where they are in this memory.
void Executor::give_way(std::size_t bytes) {
  const std::size_t results = cache_.drop_until(bytes);
  const bool models_too = results < bytes && !settings_.device.gpu;
  const std::size_t models = models_too ? models_->drop_unused(bytes - results) : 0;
  if (results + models == 0) return;
  log::info("short of memory: {} MiB are missing; dropped {} MiB of cached results and {} MiB of models", bytes >> 20, results >> 20, models >> 20);
  trim_memory();
}

void Executor::watch_memory() {
  constexpr auto kInterval = std::chrono::milliseconds(100);
  const auto now = std::chrono::steady_clock::now();
  if (now < next_watch_) return;
  next_watch_ = now + kInterval;
  if (cache_.mode() == CacheMode::kRam) cache_.keep_free(available_bytes());
  const std::size_t limit = settings_.memory_limit;
  if (limit == 0) return;
  const std::size_t used = resident_bytes();
  if (used >= share(kShort, limit)) give_way(used - share(kEnough, limit));
}

void Executor::free(bool models, bool memory) {
  if (memory) {
    cache_.clear();
    instances_.clear();
  }
  if (models || memory) {
    shared_.clear();
    share_budget();
    models_->drop_all_unused();
  }
}

}  // namespace darkroom
