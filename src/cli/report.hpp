#pragma once
// The report of `darkroom doctor`: sections of lines, and what is missing.

#include <ostream>
#include <string>
#include <vector>

namespace darkroom {

class Report {
 public:
  void section(std::string title);
  void fact(std::string name, std::string text);    ///< something that simply is so
  void good(std::string name, std::string text);    ///< needed, and there
  void absent(std::string name, std::string text);  ///< not there, and that is all right; `text` says what goes without it
  void missing(std::string name, std::string text, std::string remedy);  ///< needed, and not there

  bool complete() const { return remedies_.empty(); }
  /// Prints the sections, names in one column, and at the end what to do. `colour`: for a terminal.
  void print(std::ostream& out, bool colour) const;

 private:
  enum class Mark { kFact, kGood, kAbsent, kMissing };
  struct Line {
    Mark mark;
    std::string name, text;
  };
  struct Section {
    std::string title;
    std::vector<Line> lines;
  };
  void add(Mark mark, std::string name, std::string text);

  std::vector<Section> sections_;
  std::vector<std::string> remedies_;
};

/// "3.2 GiB", "512 MiB", "17 B".
std::string size_text(std::uintmax_t bytes);

}  // namespace darkroom
