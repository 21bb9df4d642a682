#pragma once
// What became of the photographs of a run, for people and for programs.

#include <filesystem>
#include <string>
#include <vector>

namespace darkroom {

struct PhotoOutcome {
  enum class State { kRestored, kDoneBefore, kFailed, kNotDone };
  State state = State::kRestored;
  std::filesystem::path photo, result;  ///< result: "" for none
  std::string code, why;                ///< of a failed one: for programs, for people
  bool was_begun = false;               ///< it was at work; false: this was known before
  double seconds = 0;                   ///< that it took
};

/// One line: `{"file", "state": "restored|skipped|failed|not_done", "result", "seconds", "code", "error"}`, what does not apply left out.
std::string json_line(const PhotoOutcome& outcome);

/// "3 restored, 2 done before, 1 failed in 0:12", and a line for each that failed. `all`: false leaves out the first line.
std::string summary(const std::vector<PhotoOutcome>& outcomes, double seconds, bool all = true);

}  // namespace darkroom
