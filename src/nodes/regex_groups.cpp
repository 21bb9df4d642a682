// Parentheses: groups, names, look-around, conditions, inline flags.

#include "nodes/regex_translator.hpp"

namespace darkroom {

using namespace regex_letters;

void RegexTranslator::close_group(std::size_t start) {
  if (levels_.size() == 1) fail("unbalanced parenthesis", start);
  if (levels_.back().group > 0) closed_.insert(levels_.back().group);
  item_ = levels_.back().item_outside;
  levels_.pop_back();
  emit(")");
}

void RegexTranslator::enter(std::size_t start, std::string_view text, int group) {
  Level level;
  level.start = start;
  level.group = group;
  level.verbose = levels_.back().verbose;
  levels_.push_back(level);
  emit(text);
  item_ = Item::kNone;
}

std::u32string RegexTranslator::name_until(char32_t stop, const char* missing) {
  const std::size_t start = at_;
  std::u32string name;
  while (!ended() && peek() != stop) name += in_[at_++];
  if (ended()) fail(name.empty() ? "missing group name" : missing, start);
  ++at_;
  if (name.empty()) fail("missing group name", start);
  return name;
}

int RegexTranslator::known_group(const std::u32string& name, std::size_t position) {
  const auto found = out_.names.find(python::encode(name));
  if (found == out_.names.end()) fail("unknown group name '" + python::encode(name) + "'", position);
  return found->second;
}

void RegexTranslator::back_reference(int group, std::size_t position) {
  if (!closed_.contains(group)) fail("cannot refer to an open group", position);
  emit("\\g{" + std::to_string(group) + "}");
  item_ = Item::kAtom;
}

void RegexTranslator::open_group(std::size_t start) {
  if (ended() || peek() != '?') return enter(start, "(", ++out_.groups);
  ++at_;
  if (ended()) fail("unexpected end of pattern", at_);
  const char32_t c = in_[at_++];
  switch (c) {
    case 'P': return python_group(start);
    case ':': return enter(start, "(?:");
    case '>': return enter(start, "(?>");
    case '=': return enter(start, "(?=");
    case '!': return enter(start, "(?!");
    case '#':
      while (!ended() && peek() != ')') ++at_;
      if (ended()) fail("missing ), unterminated comment", start);
      ++at_;
      return;
    case '<': {
      if (ended()) fail("unexpected end of pattern", at_);
      const char32_t kind = in_[at_++];
      if (kind != '=' && kind != '!') fail("unknown extension ?<" + python::encode(std::u32string(1, kind)), start + 1);
      return enter(start, kind == '=' ? "(?<=" : "(?<!");
    }
    case '(': {
      const std::size_t position = at_;
      const std::u32string name = name_until(')', "missing ), unterminated name");
      if (!is_identifier(name) && !is_number(name)) fail("bad character in group name '" + python::encode(name) + "'", position);
      const int group = is_number(name) ? to_int(name) : known_group(name, position);
      if (group == 0) fail("bad group number", position);
      awaited_.emplace_back(group, position);
      return enter(start, "(?(" + std::to_string(group) + ")");
    }
    default: --at_; return inline_flags(start);
  }
}

void RegexTranslator::python_group(std::size_t start) {
  const char32_t kind = peek();
  if (ended() || (kind != '<' && kind != '=')) fail("unknown extension ?P" + (ended() ? "" : python::encode(std::u32string(1, kind))), start + 1);
  const std::size_t position = ++at_;
  if (kind == '=') {
    const std::u32string name = name_until(')', "missing ), unterminated name");
    if (!is_identifier(name)) fail("bad character in group name '" + python::encode(name) + "'", position);
    return back_reference(known_group(name, position), position);
  }
  const std::u32string name = name_until('>', "missing >, unterminated name");
  if (!is_identifier(name)) fail("bad character in group name '" + python::encode(name) + "'", position);
  enter(start, "(", ++out_.groups);
  const auto [known, is_new] = out_.names.emplace(python::encode(name), out_.groups);
  if (!is_new)
    fail("redefinition of group name '" + known->first + "' as group " + std::to_string(out_.groups) + "; was group " + std::to_string(known->second),
         position);
}

void RegexTranslator::inline_flags(std::size_t start) {
  std::string on, off;
  bool removing = false, verbose_on = false, verbose_off = false, ascii = false;
  for (;; ++at_) {
    if (ended()) fail("missing -, : or )", at_);
    const char32_t c = peek();
    if (c == ')' || c == ':') break;
    if (c == '-' && !removing) removing = true;
    else if (c == 'i' || c == 'm' || c == 's') (removing ? off : on) += static_cast<char>(c);
    else if (c == 'x') (removing ? verbose_off : verbose_on) = true;
    else if ((c == 'a' || c == 'u') && !removing) ascii |= c == 'a';
    else if (c == 'L') fail("bad inline flags: cannot use 'L' flag with a str pattern", at_);
    else if (on.empty() && off.empty() && !removing && !verbose_on && !ascii) fail("unknown extension ?" + python::encode(std::u32string(1, c)), start + 1);
    else fail("unknown flag", at_);
  }
  const bool global = in_[at_++] == ')';
  if (global) {
    if (removing) fail("missing :", at_ - 1);
    if (levels_.size() > 1 || !out_.pattern.empty()) fail("global flags not at the start of the expression", start);
    for (const char c : on) (c == 'i' ? out_.flags.ignore_case : c == 'm' ? out_.flags.multiline : out_.flags.dotall) = true;
    out_.ascii |= ascii;
    levels_.back().verbose |= verbose_on;
    return;
  }
  if (ascii) throw UnsupportedRegex("(?a:...): ASCII flags of a part aren't supported");
  enter(start, "(?" + on + (off.empty() ? "" : "-" + off) + ":");
  levels_.back().verbose = (levels_.back().verbose || verbose_on) && !verbose_off;
}

}  // namespace darkroom
