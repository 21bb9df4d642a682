#pragma once
// How a download shows itself: one line that is redrawn on a terminal, a line for each tenth elsewhere.

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "cli/terminal.hpp"

namespace darkroom {

class TransferView {
 public:
  /// `quiet`: only what say() is told.
  TransferView(std::ostream& out, Terminal terminal, bool quiet) : out_(out), terminal_(terminal), quiet_(quiet) {}
  ~TransferView() { clear(); }

  /// The transfer stands at `bytes` of `size`, and goes on from there.
  void begin(std::uint64_t bytes, std::optional<std::uint64_t> size);
  void at(std::uint64_t bytes);
  void say(const std::string& line);  ///< a line of its own; the bar is drawn again below it
  void clear();                       ///< takes the bar away

 private:
  void draw(std::uint64_t bytes);
  double share(std::uint64_t bytes) const;

  std::ostream& out_;
  const Terminal terminal_;
  const bool quiet_;
  std::uint64_t first_ = 0;
  std::optional<std::uint64_t> size_;
  std::int64_t began_ms_ = 0, drawn_ms_ = 0;
  int tenth_ = 0;
  bool shown_ = false;
};

}  // namespace darkroom
