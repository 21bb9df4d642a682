#pragma once
// Inputs by URL: files that are not uploaded but named by their address are brought into the input folder of whoever asks, below `url/`,
// named after the SHA-256 of their content, so that the same file lies there once.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"
#include "gateway/pool.hpp"
#include "workflow/validate.hpp"

namespace darkroom {

class Outbound;
struct Identity;
struct Services;

/// Limit: addresses in the inputs of one prompt. Beyond: the input is refused, 400. Fixed: workflows load some pictures. Edge:
/// test_inputs_by_url.py::test_addresses_of_a_prompt_have_a_limit.
constexpr std::size_t kMaxUrlsOfPrompt = 16;
/// Limit: time for all files that one request names by their addresses, s. Beyond: the input is refused, 400. Fixed: a request is not to be
/// held for longer. Edge: test_inputs_by_url.py::test_a_slow_server_is_not_waited_for.
constexpr auto kFetchTime = std::chrono::seconds(30);
/// Limit: requests that wait for files from other servers. Beyond: 429 with Retry-After. Fixed: each holds a connection. Edge:
/// test_inputs_by_url.py::test_requests_that_wait_for_files_have_a_limit.
constexpr int kMaxFetching = 32;

/// Where fetched files lie below an input folder.
inline constexpr std::string_view kUrlFolder = "url";

/// Files that came for one request. Those that nobody else has kept are deleted with this, unless it is kept.
class FetchedFiles {
 public:
  struct Claims;  ///< who counts on which file

  explicit FetchedFiles(std::shared_ptr<Claims> claims);
  ~FetchedFiles();
  FetchedFiles(const FetchedFiles&) = delete;
  FetchedFiles& operator=(const FetchedFiles&) = delete;

  void claim(const std::filesystem::path& file);
  void is_new(const std::filesystem::path& file);  ///< of a claimed one: it was not there before
  void keep();

 private:
  std::shared_ptr<Claims> claims_;
  std::vector<std::string> files_;
};

class InputFetcher {
 public:
  explicit InputFetcher(Outbound& outbound);

  /// A place for a request. Throws Exhausted when all are taken.
  std::unique_ptr<FetchedFiles> begin();

  /// The file at `url`, for an input that takes `kind` ("image", "video", "audio"; "": any of them). Gives its name in the input folder,
  /// "url/….png". Throws InvalidInput or Forbidden with words for whoever sent it, TooLarge, Exhausted, Unavailable, and Error(kTimeout)
  /// past `end`.
  asio::awaitable<std::string> fetch(Services& services, const Identity& who, std::string url, std::string kind,
                                     std::chrono::steady_clock::time_point end, FetchedFiles& files);

 private:
  Outbound& outbound_;
  std::shared_ptr<FetchedFiles::Claims> claims_;
};

/// What became of the addresses in a prompt.
struct FetchedInputs {
  std::unique_ptr<FetchedFiles> files;  ///< null: there were no addresses
  Validation validation{.ok = true};    ///< what the prompt is refused for, when one can't be used

  void keep() {
    if (files) files->keep();
  }
};

/// Fetches every http(s) address that stands where an uploaded file is wanted, and writes the names of the files in their places.
/// To be kept once the prompt is a job. Throws Exhausted.
asio::awaitable<FetchedInputs> fetch_inputs(Services& services, const Identity& who, json::object& prompt);

}  // namespace darkroom
