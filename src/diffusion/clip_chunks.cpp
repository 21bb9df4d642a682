#include "diffusion/clip_chunks.hpp"

#include <algorithm>
#include <span>

#include "base/error.hpp"
#include "base/log.hpp"
#include "diffusion/bpe.hpp"
#include "diffusion/prompt_weights.hpp"
#include "diffusion/tokenizer.hpp"

namespace darkroom {
namespace {

constexpr std::string_view kEmbedding = "embedding:";
constexpr std::size_t kUntornBelow = 8;

using Group = std::vector<PromptToken>;

Group text_group(std::string_view text, double weight) {
  Group group;
  for (const int id : clip_tokens(text)) group.push_back({id, weight});
  return group;
}

/// An embedding by its name in the prompt; an empty group when there is none.
Group embedding_group(const std::string& name, double weight, const ChunkRules& rules, const FindEmbedding& find) {
  try {
    const auto path = find ? find(name) : std::nullopt;
    if (!path) {
      log::warn("embedding:{} does not exist, it is left out of the prompt", name);
      return {};
    }
    const auto vectors = load_embedding(*path, rules.encoder);
    Group group;
    for (const auto& vector : vectors.to(at::kFloat).unbind()) group.push_back({0, weight, vector});
    return group;
  } catch (const Error& error) {
    log::warn("embedding:{} cannot be used, it is left out of the prompt: {}", name, error.what());
    return {};
  }
}

bool exists(const FindEmbedding& find, const std::string& name) {
  try {
    return find && find(name);
  } catch (const Error&) {  // a name that leaves the folder
    return false;
  }
}

/// The name at the beginning of `text`, which is taken off: up to the next blank. Commas at its end are text, unless a file has them in its name.
std::string take_name(std::string_view& text, const FindEmbedding& find) {
  const auto blank = [](char c) { return is_blank(static_cast<unsigned char>(c)) && static_cast<unsigned char>(c) < 0x80; };
  const auto* first = std::ranges::find_if_not(text, blank);
  const auto* last = std::find_if(first, text.end(), blank);
  if (first == last) throw InvalidInput("the prompt has \"embedding:\" without the name of one behind it");
  std::string name(first, last);
  text.remove_prefix(static_cast<std::size_t>(last - text.begin()));
  const auto bare = name.substr(0, name.find_last_not_of(',') + 1);
  if (bare.size() == name.size() || exists(find, name)) return name;
  text = {text.data() - (name.size() - bare.size()), text.size() + name.size() - bare.size()};
  return bare;
}

/// A piece of one weight as groups: texts and embeddings in turn.
void append_groups(std::string_view text, double weight, const ChunkRules& rules, const FindEmbedding& find, std::vector<Group>& groups) {
  for (bool named = text.starts_with(kEmbedding);; named = true) {
    if (named) {
      text.remove_prefix(kEmbedding.size());
      groups.push_back(embedding_group(take_name(text, find), weight, rules, find));
    }
    // The next one has a blank or a line break before it, which belongs to neither text.
    auto at = text.find(kEmbedding);
    while (at != text.npos && (at == 0 || (text[at - 1] != ' ' && text[at - 1] != '\n'))) at = text.find(kEmbedding, at + 1);
    groups.push_back(text_group(text.substr(0, at == text.npos ? at : at - 1), weight));
    if (at == text.npos) return;
    text.remove_prefix(at);
  }
}

/// Closes a chunk with the end mark and fills it up.
void close(Chunk& chunk, int padding) {
  chunk.push_back({Bpe::kEnd});
  chunk.resize(kChunkTokens, {padding});
}

}  // namespace

std::vector<Chunk> prompt_chunks(std::string_view prompt, const ChunkRules& rules, const FindEmbedding& find) {
  std::vector<Group> groups;
  for (const auto& piece : parse_prompt(prompt)) append_groups(piece.text, piece.weight, rules, find, groups);

  std::vector<Chunk> chunks{{{Bpe::kStart}}};
  for (const auto& group : groups) {
    std::span<const PromptToken> rest(group);
    while (!rest.empty()) {
      Chunk& chunk = chunks.back();
      const auto room = kChunkTokens - 1 - chunk.size();
      const auto taken = rest.size() <= room ? rest.size() : group.size() < kUntornBelow ? 0 : room;
      chunk.insert(chunk.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(taken));
      rest = rest.subspan(taken);
      if (rest.empty()) break;
      close(chunk, rules.padding);
      chunks.push_back({{Bpe::kStart}});
    }
  }
  close(chunks.back(), rules.padding);
  return chunks;
}

}  // namespace darkroom
