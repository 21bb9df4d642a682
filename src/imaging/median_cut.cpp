#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <unordered_map>

#include "base/error.hpp"
#include "imaging/quantize.hpp"

namespace darkroom::imaging {
namespace {

constexpr std::size_t kDistinctColours = 65536;  // above, colours lose low bits until they are fewer

struct Entry {
  std::array<std::uint8_t, 3> value;  ///< the colour without its low bits
  std::uint32_t count = 0;
  std::array<std::uint64_t, 3> sum{};  ///< of the true colours
};

std::uint32_t key_of(const std::uint8_t* p, int shift) { return (p[0] >> shift) << 16 | (p[1] >> shift) << 8 | p[2] >> shift; }

/// The distinct colours with their counts. When there are too many, one more low bit of all of them is dropped.
std::vector<Entry> count_colors(const std::uint8_t* rgb, std::size_t pixels) {
  for (int shift = 0;; ++shift) {
    std::unordered_map<std::uint32_t, std::size_t> index;
    std::vector<Entry> entries;
    bool too_many = false;
    for (std::size_t i = 0; i < pixels && !too_many; ++i) {
      const std::uint8_t* p = rgb + 3 * i;
      const auto [at, is_new] = index.try_emplace(key_of(p, shift), entries.size());
      if (is_new) {
        too_many = entries.size() == kDistinctColours;
        entries.push_back({{static_cast<std::uint8_t>(p[0] >> shift), static_cast<std::uint8_t>(p[1] >> shift), static_cast<std::uint8_t>(p[2] >> shift)}, 0, {}});
      }
      Entry& entry = entries[at->second];
      ++entry.count;
      for (int c = 0; c < 3; ++c) entry.sum[c] += p[c];
    }
    if (!too_many) return entries;
  }
}

struct Box {
  std::vector<Entry> entries;
  std::uint32_t count = 0;
  std::unique_ptr<Box> high, low;  ///< after a split; `high` holds the larger values

  std::array<std::pair<int, int>, 3> ranges() const {
    std::array<std::pair<int, int>, 3> out;
    out.fill({255, 0});
    for (const auto& entry : entries)
      for (int c = 0; c < 3; ++c) out[c] = {std::min<int>(out[c].first, entry.value[c]), std::max<int>(out[c].second, entry.value[c])};
    return out;
  }
  bool is_one_color() const { return entries.size() <= 1; }
};

/// The value below which the pixels go to the low box: from the top, the first one past half of the pixels stays high.
int split_value(const Box& box, int axis) {
  std::array<std::uint32_t, 256> histogram{};
  for (const auto& entry : box.entries) histogram[entry.value[axis]] += entry.count;
  int lowest = 0;
  while (histogram[lowest] == 0) ++lowest;
  std::uint32_t seen = 0;
  int value = 255;
  for (;; --value) {
    seen += histogram[value];
    if (2ull * seen > box.count) break;
  }
  return value == lowest ? lowest + 1 : value;  // something has to go low
}

void split(Box& box) {
  static constexpr std::array kLuminance{77, 150, 29};
  const auto ranges = box.ranges();
  int axis = 0, best = -1;
  for (int c = 0; c < 3; ++c) {
    const int width = (ranges[c].second - ranges[c].first) * kLuminance[c];
    if (width > best) {
      best = width;
      axis = c;
    }
  }
  const int value = split_value(box, axis);
  box.high = std::make_unique<Box>();
  box.low = std::make_unique<Box>();
  for (const auto& entry : box.entries) {
    Box& half = entry.value[axis] >= value ? *box.high : *box.low;
    half.entries.push_back(entry);
    half.count += entry.count;
  }
  box.entries.clear();
}

/// A binary heap, largest count on top. Which of two equal boxes is split first decides the palette, so the order of equal
/// ones is Pillow's: a child rises over an equal newcomer, a newcomer never over an equal parent, the left child wins.
class BoxHeap {
 public:
  void push(Box* box) {
    heap_.push_back(box);
    std::size_t at = heap_.size();
    while (at > 1 && box->count > node(at / 2)->count) {
      node(at) = node(at / 2);
      at /= 2;
    }
    node(at) = box;
  }
  Box* pop() {
    if (heap_.empty()) return nullptr;
    Box* top = heap_.front();
    Box* last = heap_.back();
    heap_.pop_back();
    std::size_t at = 1;
    while (at * 2 <= heap_.size()) {
      std::size_t child = at * 2;
      if (child < heap_.size() && node(child)->count < node(child + 1)->count) ++child;
      if (last->count > node(child)->count) break;
      node(at) = node(child);
      at = child;
    }
    if (!heap_.empty()) node(at) = last;
    return top;
  }

 private:
  Box*& node(std::size_t from_one) { return heap_[from_one - 1]; }
  std::vector<Box*> heap_;
};

void collect(const Box& box, Palette& palette) {
  if (box.high) {
    collect(*box.high, palette);
    collect(*box.low, palette);
    return;
  }
  std::array<std::uint64_t, 3> sum{};
  for (const auto& entry : box.entries)
    for (int c = 0; c < 3; ++c) sum[c] += entry.sum[c];
  const auto mean = [&](int c) { return static_cast<std::uint8_t>(0.5 + static_cast<double>(sum[c]) / box.count); };
  palette.push_back({mean(0), mean(1), mean(2)});
}

}  // namespace

Palette median_cut(const std::uint8_t* rgb, std::size_t pixels, int colors) {
  if (pixels == 0 || colors < 1 || colors > 256) throw InvalidInput("bad number of colors");
  Box root;
  root.entries = count_colors(rgb, pixels);
  root.count = static_cast<std::uint32_t>(pixels);
  BoxHeap heap;
  heap.push(&root);
  for (int made = 1; made < colors; ++made) {
    Box* box = heap.pop();
    while (box && box->is_one_color()) box = heap.pop();
    if (!box) break;
    split(*box);
    heap.push(box->high.get());
    heap.push(box->low.get());
  }
  Palette palette;
  collect(root, palette);
  return palette;
}

}  // namespace darkroom::imaging
