#pragma once
// What standard error is, and texts for lines that are drawn again and again.

#include <cstddef>
#include <string>
#include <string_view>

namespace darkroom {

struct Terminal {
  bool interactive = false;  ///< standard error is a terminal
  std::size_t columns = 80, rows = 24;
};
Terminal terminal_of_stderr();

/// A picture as a terminal takes it. Written at the start of a line, it leaves the cursor at the start of the line below it.
struct TerminalPicture {
  std::string text;
  std::size_t rows = 0;
  std::string erase;  ///< what must be written, besides clearing the rows, to take it away
};

/// "[######......]": `share` of 1.
std::string bar_text(double share);

/// "0:07", "12:30", "1:02:03".
std::string duration_text(double seconds);

/// The first `columns` characters of a UTF-8 text.
std::string_view cut_to_columns(std::string_view text, std::size_t columns);

/// Names come from files and servers: what moves the cursor must not reach the terminal.
std::string printable(std::string_view text);

}  // namespace darkroom
