#pragma once
// Model files that are open: each is opened once, by file and not by node, and kept for the next prompt.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "tensor/compute.hpp"

namespace darkroom {

/// The last files used, opened as T. An entry is good for as long as its file keeps its time and size. Files are mapped, so an
/// entry costs little; what is packed of it counts in the ModelBudget. Thread-safe: a file is opened once, by whoever comes
/// first; others that want it wait, and those that want another file do not.
template <class T>
class ModelFiles {
 public:
  explicit ModelFiles(std::size_t most = 8) : most_(most) {}

  /// `open` gets the path. Throws what it throws; then the next call tries again.
  std::shared_ptr<const T> get(const std::filesystem::path& path, const Compute& compute,
                               const std::function<std::shared_ptr<const T>(const std::filesystem::path&)>& open) {
    const Key key{path.string(), std::filesystem::last_write_time(path).time_since_epoch().count(), std::filesystem::file_size(path), compute};
    std::promise<std::shared_ptr<const T>> promise;
    std::shared_future<std::shared_ptr<const T>> future;
    {
      const std::lock_guard lock(mutex_);
      for (auto at = entries_.begin(); at != entries_.end(); ++at)
        if (at->first == key) {
          entries_.splice(entries_.begin(), entries_, at);
          future = at->second;
          break;
        }
      if (!future.valid()) {
        std::erase_if(entries_, [&](const auto& entry) { return entry.first.replaced_by(key); });
        entries_.emplace_front(key, promise.get_future().share());
        if (entries_.size() > most_) entries_.pop_back();
      }
    }
    if (future.valid()) return future.get();
    try {
      auto opened = open(path);
      promise.set_value(opened);
      return opened;
    } catch (...) {
      promise.set_exception(std::current_exception());
      const std::lock_guard lock(mutex_);
      std::erase_if(entries_, [&](const auto& entry) { return entry.first == key; });
      throw;
    }
  }

 private:
  struct Key {
    std::string path;
    std::int64_t modified;
    std::uintmax_t size;
    Compute compute;
    bool operator==(const Key&) const = default;
    bool replaced_by(const Key& newer) const { return path == newer.path && (modified != newer.modified || size != newer.size); }
  };

  const std::size_t most_;
  std::mutex mutex_;
  std::list<std::pair<Key, std::shared_future<std::shared_ptr<const T>>>> entries_;  ///< last used first
};

}  // namespace darkroom
