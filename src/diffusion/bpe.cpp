#include "diffusion/bpe.hpp"

#include <array>
#include <functional>
#include <queue>
#include <string>
#include <tuple>

#include "base/error.hpp"
#include "diffusion/bpe_vocabulary.hpp"

namespace darkroom {
namespace {

constexpr int kBytes = 256, kFirstMerge = 2 * kBytes;
constexpr std::string_view kWordEnd = "</w>";

/// Bytes in the order of their ids: those that print in Latin-1 come first. The vocabulary writes them as themselves, and the others
/// as the code points from 256 on, so that no blank stands in it.
std::array<std::uint8_t, kBytes> bytes_by_id() {
  const auto prints = [](int byte) { return (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad); };
  std::array<std::uint8_t, kBytes> bytes{};
  std::size_t count = 0;
  for (const bool first : {true, false})
    for (int byte = 0; byte < kBytes; ++byte)
      if (prints(byte) == first) bytes[count++] = static_cast<std::uint8_t>(byte);
  return bytes;
}

constexpr int kPrinting = 188;

std::string written(int id, std::uint8_t byte) {
  const int code = id < kPrinting ? byte : 256 + id - kPrinting;
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

const std::array<int, kBytes>& ids_by_byte() {
  static const auto ids = [] {
    std::array<int, kBytes> table{};
    const auto bytes = bytes_by_id();
    for (int id = 0; id < kBytes; ++id) table[bytes[static_cast<std::size_t>(id)]] = id;
    return table;
  }();
  return ids;
}

std::uint64_t key_of(int left, int right) { return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right); }

}  // namespace

const Bpe& Bpe::clip() {
  static const Bpe bpe(bpe_vocabulary());
  return bpe;
}

Bpe::Bpe(std::string_view merges) {
  std::unordered_map<std::string, int> ids;
  const auto bytes = bytes_by_id();
  for (int id = 0; id < kBytes; ++id) {
    const auto text = written(id, bytes[static_cast<std::size_t>(id)]);
    ids.emplace(text, id);
    ids.emplace(text + std::string(kWordEnd), kBytes + id);
  }
  merges.remove_prefix(merges.find('\n') + 1);  // a line that says the version
  for (int id = kFirstMerge; id < kStart; ++id) {
    const auto line = merges.substr(0, merges.find('\n'));
    const auto blank = line.find(' ');
    if (blank == line.npos) throw InternalError("the byte-pair vocabulary is damaged");
    merges.remove_prefix(std::min(merges.size(), line.size() + 1));
    const std::string left(line.substr(0, blank)), right(line.substr(blank + 1));
    pairs_.emplace(key_of(ids.at(left), ids.at(right)), id);
    ids.emplace(left + right, id);
  }
}

int Bpe::merged(int left, int right) const {
  const auto found = pairs_.find(key_of(left, right));
  return found == pairs_.end() ? -1 : found->second;
}

void Bpe::append(std::string_view word, std::vector<int>& ids) const {
  if (word.empty()) return;
  struct Symbol { int id, previous, next; };
  using Merge = std::tuple<int, int, int, int>;  // id of both, place of the left one, and what they were when it was found
  std::vector<Symbol> symbols(word.size());
  const int count = static_cast<int>(word.size());
  for (int i = 0; i < count; ++i) {
    const int id = ids_by_byte()[static_cast<std::uint8_t>(word[static_cast<std::size_t>(i)])];
    symbols[static_cast<std::size_t>(i)] = {id + (i + 1 == count ? kBytes : 0), i - 1, i + 1 == count ? -1 : i + 1};
  }
  const auto at = [&](int place) -> Symbol& { return symbols[static_cast<std::size_t>(place)]; };

  std::priority_queue<Merge, std::vector<Merge>, std::greater<>> queue;  // lowest rank first, then leftmost
  const auto consider = [&](int place) {
    if (place < 0 || at(place).next < 0) return;
    const int left = at(place).id, right = at(at(place).next).id;
    if (const int id = merged(left, right); id >= 0) queue.emplace(id, place, left, right);
  };
  for (int i = 0; i + 1 < count; ++i) consider(i);
  while (!queue.empty()) {
    const auto [id, place, left, right] = queue.top();
    queue.pop();
    Symbol& symbol = at(place);
    if (symbol.id != left || symbol.next < 0 || at(symbol.next).id != right) continue;  // one of the two went into another merge
    Symbol& gone = at(symbol.next);
    gone.id = -1;
    symbol.id = id;
    symbol.next = gone.next;
    if (symbol.next >= 0) at(symbol.next).previous = place;
    consider(symbol.previous);
    consider(place);
  }
  for (int i = 0; i >= 0; i = at(i).next) ids.push_back(at(i).id);
}

}  // namespace darkroom
