#pragma once
// Runs darkroom-picture: the gateway never decodes a picture itself (DESIGN §9). A few processes at once, the others wait;
// each is killed at its time limit.

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/pool.hpp"

namespace darkroom {

struct PictureLimits {
  /// Limit: pictures decoded at a time for previews. Beyond: others wait. Fixed: each may take 4 GiB. Edge:
  /// PictureHelperLimits.TooManyAtOnceAreToldToComeAgain.
  int processes = 2;
  /// Limit: previews that wait. Beyond: 503. Fixed: more would wait longer than browsers do. Edge:
  /// PictureHelperLimits.TooManyAtOnceAreToldToComeAgain.
  int waiting = 64;
  /// Limit: previews of one user that wait or are made. Beyond: 503. Fixed: a page shows some at a time. Edge:
  /// PictureHelperLimits.AUserLeavesRoomForOthers.
  int of_user = 16;
  /// Limit: time for one preview, ms. Beyond: its process is killed, 504. Fixed: the design's 10 s. Edge:
  /// PictureHelperLimits.ASlowOneIsKilled.
  std::chrono::milliseconds time{10'000};
  /// Limit: a preview, bytes. Beyond: 413. Fixed: larger than a PNG of the most pixels. Edge: PictureHelperLimits.ALongResultIsRefused.
  std::size_t result_bytes = std::size_t{512} << 20;
};

class PictureHelper {
 public:
  /// `program`: darkroom-picture. Nothing is started before the first run().
  explicit PictureHelper(std::filesystem::path program, PictureLimits limits = {});
  ~PictureHelper();  ///< kills what runs and waits for it

  /// What the program makes of the file(s); see apps/picture/main.cpp for the arguments. Links are not followed.
  /// Throws InvalidInput with the program's words, NotFound, Unavailable, or an Error of kind kTimeout.
  /// `user`: whose share of the places it takes; "": nobody's.
  asio::awaitable<std::string> run(std::string user, std::vector<std::string> arguments, std::filesystem::path picture, std::filesystem::path second = {});

  /// The same, however many wait: for a picture that has been taken in and would have to be sent again.
  asio::awaitable<std::string> run_in_turn(std::vector<std::string> arguments, std::filesystem::path picture);

  /// The same, for the thread that calls it.
  std::string run_now(const std::vector<std::string>& arguments, const std::filesystem::path& picture, const std::filesystem::path& second = {});

  /// darkroom-picture beside the running program.
  static std::filesystem::path beside_this_program();

 private:
  const std::filesystem::path program_;
  const PictureLimits limits_;
  std::atomic<bool> stopping_ = false;
  /// Pictures that wait or are made. Requests that end while the server stops outlive the helper.
  struct Queue {
    int all = 0;
    std::unordered_map<std::string, int> of;  ///< user
  };
  const std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
  BlockingPool pool_;
};

}  // namespace darkroom
