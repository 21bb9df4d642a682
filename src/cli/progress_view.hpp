#pragma once
// How a run shows itself: one line that is redrawn on a terminal, a line for each node elsewhere.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <ostream>
#include <set>
#include <string>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/terminal.hpp"

namespace darkroom {

class ProgressView {
 public:
  enum class Style { kBar, kLines, kSilent };

  using Clock = std::function<std::int64_t()>;
  /// `columns`: width of the terminal, for the bar. `clock`: milliseconds.
  ProgressView(std::ostream& out, Style style, std::size_t columns = 80, Clock clock = steady_ms)
      : out_(out), style_(style), columns_(columns), clock_(std::move(clock)) {}
  ~ProgressView() { clear(); }

  /// The prompt that is about to run: names of its nodes, and how many of them the outputs need.
  void begin(const json::object& prompt, std::size_t needed);

  void cached(const std::string& node);    ///< its result was there already
  void started(const std::string& node);
  void step(const std::string& node, double value, double max);
  void finished(const std::string& node);
  void picture(const TerminalPicture& picture);  ///< stands above the bar until the next one or clear()
  void say(const std::string& line);       ///< a line of its own; the bar is drawn again below it
  void clear();                            ///< takes the bar and the picture away

 private:
  std::string name_of(const std::string& node) const;
  void draw();

  std::ostream& out_;
  const Style style_;
  const std::size_t columns_;
  const Clock clock_;
  std::map<std::string, std::string> names_;
  std::set<std::string> done_;
  std::size_t needed_ = 0;
  std::string current_;
  double value_ = 0, max_ = 0;
  struct {
    double value = 0;
    std::int64_t ms = 0;
  } first_step_;             ///< of the running node, and when it ended
  std::string left_text_;    ///< how long the running node still takes; empty while that is not known
  TerminalPicture picture_;  ///< as it stands on the terminal
  std::int64_t drawn_ms_ = 0;
  std::string shown_;  ///< the bar as it stands on the terminal; empty: none
};

/// Number of nodes that the outputs need, themselves included.
std::size_t nodes_needed(const json::object& prompt, const std::vector<std::string>& outputs);

}  // namespace darkroom
