#pragma once
// How a run of `darkroom restore` shows itself: one line that is redrawn on a terminal, a line a photograph elsewhere.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

#include "base/text.hpp"
#include "cli/progress_view.hpp"
#include "cli/restorer.hpp"

namespace darkroom {

class RestoreView {
 public:
  using Style = ProgressView::Style;
  using Clock = ProgressView::Clock;

  /// `columns`: width of the terminal, for the bar. `clock`: milliseconds.
  RestoreView(std::ostream& out, Style style, std::size_t columns = 80, Clock clock = steady_ms)
      : out_(out), style_(style), columns_(columns), clock_(std::move(clock)) {}
  ~RestoreView() { clear(); }

  void begin(std::size_t photos);  ///< how many are to be restored
  void started(const std::string& name);
  void progress(const PhotoProgress& progress);
  /// The running one has ended; `how`: what became of it, for a line of its own.
  void ended(const std::string& how);
  /// Shown in any style but kSilent: on a terminal above the bar.
  void say(const std::string& line);
  void clear();  ///< takes the bar away

 private:
  std::string counted() const;
  std::string left() const;
  void draw();

  std::ostream& out_;
  const Style style_;
  const std::size_t columns_;
  const Clock clock_;
  std::size_t photos_ = 0, done_ = 0;
  std::int64_t begun_ms_ = 0, drawn_ms_ = 0;
  std::string name_, shown_;
  PhotoProgress progress_;
};

}  // namespace darkroom
