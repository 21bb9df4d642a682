// FolderLists: choices that lie on disk, read again only when a folder's time of change moved.

#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <mutex>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/schema_store.hpp"
#include "storage/model_names.hpp"
#include "storage/unlisted_models.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

using Key = std::pair<ListSource::Kind, std::string>;

// Kernel times advance in steps; a folder that changed this shortly before it was read may change again without showing it.
constexpr std::int64_t kRacy = 50'000'000;  // ns

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t changed_at(const fs::path& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return 0;
  return std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

bool is_file(const Folders& folders, std::string_view annotated_name) {
  try {
    std::error_code ignored;
    return fs::is_regular_file(folders.annotated(annotated_name), ignored);
  } catch (const Error&) {
    return false;  // a name that leaves its folder is nobody's file
  }
}

struct Listing {
  std::vector<std::string> names;
  std::vector<std::pair<fs::path, std::int64_t>> folders;  // read, and their time of change; 0: not there
  std::int64_t read_at = 0;

  bool is_fresh() const {
    for (const auto& [folder, time] : folders)
      if (const auto now = changed_at(folder); now != time || now + kRacy > read_at) return false;
    return true;
  }
};

}  // namespace

struct FolderLists::State {
  explicit State(const Folders& all) : folders(all) {}

  const Folders& folders;
  std::mutex mutex;
  std::map<Key, Listing> known;
  std::uint64_t generation = 0;

  Listing read(const Key& key) const {
    Listing listing;
    listing.read_at = now_ns();
    std::vector<fs::path> looked_into;
    if (key.first == ListSource::Kind::kModels) {
      for (const auto& folder : split(key.second, ',')) {
        for (auto& name : folders.list_models(folder, &looked_into)) listing.names.push_back(std::move(name));
        for (auto& name : names_beside_files(folder, folders, &looked_into)) listing.names.push_back(std::move(name));
      }
    } else {
      listing.names = folders.list_input_files(key.second);
      looked_into.push_back(folders.input);
    }
    for (auto& folder : looked_into) {
      const auto time = changed_at(folder);
      listing.folders.emplace_back(std::move(folder), time);
    }
    return listing;
  }

  const Listing& refresh(const Key& key) {
    auto at = known.find(key);
    if (at != known.end() && at->second.is_fresh()) return at->second;
    Listing listing = read(key);
    if (at == known.end()) at = known.emplace(key, Listing{}).first;
    if (at->second.names != listing.names) ++generation;
    at->second = std::move(listing);
    return at->second;
  }
};

FolderLists::FolderLists(const Folders& folders) : state_(std::make_unique<State>(folders)) {}
FolderLists::~FolderLists() = default;

std::vector<std::string> FolderLists::list(const ListSource& source) {
  if (source.kind == ListSource::Kind::kFixed) return {};
  const std::scoped_lock lock(state_->mutex);
  return state_->refresh({source.kind, source.argument}).names;
}

bool FolderLists::file_exists(std::string_view annotated_name) { return is_file(state_->folders, annotated_name); }

bool FolderLists::accepts_unlisted(const ListSource& source, std::string_view value) {
  if (source.kind != ListSource::Kind::kModels) return false;
  try {
    const auto keys = split(source.argument, ',');
    if (std::any_of(keys.begin(), keys.end(), has_published_names))
      return std::any_of(keys.begin(), keys.end(), [value](const auto& key) { return is_published_name(key, value); }) ||
             find_model_by_name(state_->folders, keys, value).has_value();
    const auto file = state_->folders.find_model(source.argument, value);
    // Only another name: what lies there under its own name and isn't listed is not meant to be chosen.
    return file && file->filename() != fs::path(value).filename();
  } catch (const Forbidden&) {
    return false;
  }
}

std::vector<std::string> UserLists::list(const ListSource& source) {
  const bool of_files = source.kind != ListSource::Kind::kFixed && source.kind != ListSource::Kind::kModels;
  return of_files ? folders_.list_input_files(source.argument) : shared_.list(source);
}

bool UserLists::file_exists(std::string_view annotated_name) { return is_file(folders_, annotated_name); }

std::string UserLists::state() {
  std::string state = std::to_string(shared_.generation());
  for (const auto& name : folders_.list_input_files("")) (state += '/') += name;
  return state;
}

std::uint64_t FolderLists::generation() {
  const std::scoped_lock lock(state_->mutex);
  std::vector<Key> keys;
  for (const auto& [key, listing] : state_->known) keys.push_back(key);
  for (const auto& key : keys) state_->refresh(key);
  return state_->generation;
}

}  // namespace darkroom
