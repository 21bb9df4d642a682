#include "diffusion/clip.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "diffusion/bpe.hpp"
#include "diffusion/clip_weights.hpp"
#include "diffusion/text_encoder.hpp"
#include "tensor/concat.hpp"

namespace darkroom {
namespace {

constexpr std::string_view kClipL = "clip_l", kClipH = "clip_h", kClipG = "clip_g";

/// How a family uses an encoder.
struct EncoderRules {
  TextEncoderRules transformer;
  int stop_at;     ///< the layer from the end that is taken when nobody says otherwise
  bool normed;     ///< its states go through the final norm, whichever layer they are of
  bool pooled;     ///< its pooled vector is used
  std::int64_t layers;  ///< that `stop_at` counts over: files without the last one exist (SD2.x of the transformers library)
};

EncoderRules rules_of(TextFamily family, std::string_view encoder, std::int64_t layers) {
  constexpr std::int64_t kLayersH = 24;
  constexpr int kLayersOffH = 1;
  if (encoder == kClipH) return {{false, 0}, -2, true, true, layers == kLayersH - kLayersOffH ? kLayersH : layers};
  if (encoder == kClipG) return {{false, 0}, -2, false, true, layers};
  if (family == TextFamily::kSdxl) return {{true, Bpe::kEnd}, -2, false, false, layers};
  return {{true, Bpe::kEnd}, -1, true, true, layers};
}

std::string_view only_encoder(TextFamily family) {
  return family == TextFamily::kSd1 ? kClipL : family == TextFamily::kSd2 ? kClipH : kClipG;
}

std::vector<std::string_view> encoders_of(TextFamily family) {
  if (family == TextFamily::kSdxl) return {kClipG, kClipL};
  return {only_encoder(family)};
}

/// "clip_l" -> "l"
std::string_view short_name(std::string_view encoder) { return encoder.substr(encoder.size() - 1); }

std::string below(std::string_view encoder) { return std::string(encoder) + "."; }

/// The text encoders hold float16, whatever the file has: patches start from rounded weights.
at::Tensor rounded(const std::string&, const at::Tensor& weight) { return weight.to(at::kHalf); }

/// z = (z - z0) * w + z0 for each token with a weight, z0 being the empty prompt at its place. hidden [N,77,D], empty [77,D].
void apply_weights(at::Tensor& hidden, const std::vector<Chunk>& chunks, const at::Tensor& empty) {
  for (std::size_t k = 0; k < chunks.size(); ++k)
    for (std::size_t i = 0; i < chunks[k].size(); ++i) {
      if (chunks[k][i].weight == 1) continue;
      auto z = hidden[static_cast<std::int64_t>(k)][static_cast<std::int64_t>(i)];
      const auto z0 = empty[static_cast<std::int64_t>(i)];
      z.sub_(z0).mul_(chunks[k][i].weight).add_(z0);
    }
}

bool is_weighted(const std::vector<Chunk>& chunks) {
  return std::ranges::any_of(chunks, [](const Chunk& chunk) { return std::ranges::any_of(chunk, [](const PromptToken& token) { return token.weight != 1; }); });
}

ChunkRules chunk_rules(std::string_view encoder) { return {std::string(encoder), encoder == kClipL ? Bpe::kEnd : 0}; }

std::vector<Chunk> chunks_for(std::string_view prompt, std::string_view encoder, const PromptContext& context) {
  return prompt_chunks(prompt, chunk_rules(encoder), context.find_embedding);
}

std::shared_ptr<const Clip> make_clip(TextFamily family, std::vector<std::pair<std::string_view, FoundTextEncoder>> encoders, at::Device device) {
  auto tensors = std::make_shared<StateDict>();
  for (auto& [name, found] : encoders)
    for (auto& [weight, tensor] : found.tensors) tensors->emplace(below(name) + weight, std::move(tensor));
  const bool all_half = std::ranges::all_of(*tensors, [](const auto& entry) { return entry.second.scalar_type() == at::kHalf; });
  return std::make_shared<Clip>(family, Weights(std::move(tensors), {}, all_half ? Weights::Patch() : rounded), device);
}

}  // namespace

struct Clip::Encoded {
  at::Tensor hidden;  ///< float32 [1,77*n,D]
  at::Tensor pooled;  ///< float32 [1,P], where it is used
};

Clip::Clip(TextFamily family, Weights weights, at::Device device, int stop_at)
    : family_(family), weights_(std::move(weights)), device_(device), stop_at_(stop_at) {}

std::vector<std::string> Clip::weight_names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : weights_.tensors()) names.push_back(name);
  return names;
}

std::shared_ptr<const Clip> Clip::with_skip(int stop_at) const {
  auto changed = std::make_shared<Clip>(*this);
  changed->stop_at_ = stop_at;
  return changed;
}

std::shared_ptr<const Clip> Clip::with_patches(Weights::Patch patch) const {
  auto changed = std::make_shared<Clip>(*this);
  changed->weights_ = weights_.patched(std::move(patch));
  return changed;
}

std::shared_ptr<const Clip> Clip::with_hooks(std::shared_ptr<const ClipHooks> hooks) const {
  auto changed = std::make_shared<Clip>(*this);
  changed->hooks_ = std::move(hooks);
  return changed;
}

std::size_t Clip::bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : weights_.tensors()) bytes += tensor.nbytes();
  return bytes;
}

Clip::Encoded Clip::encode_with(std::string_view encoder, const std::vector<Chunk>& chunks, const PromptContext& context) const {
  const auto weights = weights_.below(below(encoder) + "transformer.");
  const auto layers = count_text_layers(weights);
  const auto rules = rules_of(family_, encoder, layers);
  const bool as_asked = stop_at_ < 0 && -stop_at_ <= rules.layers;
  const auto index = std::min(layers, rules.layers + 1 + (as_asked ? stop_at_ : rules.stop_at)) - 1;

  auto batch = chunks;
  const bool weighted = is_weighted(chunks);
  if (weighted) batch.push_back(prompt_chunks({}, chunk_rules(encoder), {}).front());
  auto encoded = encode_text(weights, rules.transformer, batch, {std::max<std::int64_t>(index, 0), rules.normed, rules.pooled}, device_, context.check);
  if (weighted) {
    const auto count = static_cast<std::int64_t>(chunks.size());
    const auto empty = encoded.hidden[count];
    encoded.hidden = encoded.hidden.narrow(0, 0, count);
    apply_weights(encoded.hidden, chunks, empty);
  }
  return {encoded.hidden.reshape({1, -1, encoded.hidden.size(2)}), encoded.pooled};
}

Cond Clip::joined(const std::vector<Chunk>& chunks_g, const std::vector<Chunk>& chunks_l, const PromptContext& context) const {
  const auto g = encode_with(kClipG, chunks_g, context), l = encode_with(kClipL, chunks_l, context);
  const auto tokens = std::min(g.hidden.size(1), l.hidden.size(1));
  Cond cond;
  cond.text = concat({l.hidden.narrow(1, 0, tokens), g.hidden.narrow(1, 0, tokens)}, 2);
  cond.pooled = g.pooled;
  return cond;
}

Clip::Tokens Clip::tokenize(std::string_view prompt, const PromptContext& context) const {
  Tokens tokens;
  for (const auto encoder : encoders_of(family_)) tokens.emplace(short_name(encoder), chunks_for(prompt, encoder, context));
  return tokens;
}

Cond Clip::encode(std::string_view prompt, const PromptContext& context) const { return encode(tokenize(prompt, context), context); }

Cond Clip::encode(Tokens tokens, const PromptContext& context) const {
  for (const auto encoder : encoders_of(family_))
    if (const auto at = tokens.find(short_name(encoder)); at == tokens.end() || at->second.empty())
      throw InvalidInput("there are no tokens for the text encoder '" + std::string(short_name(encoder)) + "'");
  for (const auto& [name, chunks] : tokens)
    if (!std::ranges::all_of(chunks, [](const Chunk& chunk) { return chunk.size() == kChunkTokens; }))
      throw InvalidInput("a text encoder takes chunks of " + std::to_string(kChunkTokens) + " tokens");
  if (family_ == TextFamily::kSdxl) {
    auto &g = tokens.at("g"), &l = tokens.at("l");
    const auto count = std::max(g.size(), l.size());
    g.resize(count, prompt_chunks({}, chunk_rules(kClipG), {}).front());
    l.resize(count, prompt_chunks({}, chunk_rules(kClipL), {}).front());
    return joined(g, l, context);
  }
  const auto encoder = only_encoder(family_);
  auto encoded = encode_with(encoder, tokens.find(short_name(encoder))->second, context);
  Cond cond;
  cond.text = std::move(encoded.hidden);
  cond.pooled = std::move(encoded.pooled);
  return cond;
}

Cond Clip::encode(std::string_view text_g, std::string_view text_l, const PromptContext& context) const {
  if (family_ != TextFamily::kSdxl) throw InvalidInput("this CLIP does not have the two text encoders of SDXL; CLIPTextEncode works with every model");
  return encode(Tokens{{"g", chunks_for(text_g, kClipG, context)}, {"l", chunks_for(text_l, kClipL, context)}}, context);
}

at::Tensor Clip::pooled(std::string_view prompt, const PromptContext& context) const {
  const auto encoder = family_ == TextFamily::kSdxl ? kClipG : only_encoder(family_);
  const auto weights = weights_.below(below(encoder) + "transformer.");
  const auto layers = count_text_layers(weights);
  const auto chunks = chunks_for(prompt, encoder, context);
  return encode_text(weights, rules_of(family_, encoder, layers).transformer, {chunks.front()}, {layers - 1, false, true, false}, device_, context.check).pooled;
}

std::shared_ptr<const Clip> load_checkpoint_clip(std::shared_ptr<const StateDict> checkpoint, at::Device device) {
  if (auto l = find_text_encoder(*checkpoint, "conditioner.embedders.0.transformer.")) {
    auto g = find_text_encoder(*checkpoint, "conditioner.embedders.1.model.");
    if (!g) throw InvalidInput("the checkpoint has the first text encoder of SDXL, but not the second (conditioner.embedders.1)");
    return make_clip(TextFamily::kSdxl, {{kClipL, std::move(*l)}, {kClipG, std::move(*g)}}, device);
  }
  if (auto g = find_text_encoder(*checkpoint, "conditioner.embedders.0.model.")) return make_clip(TextFamily::kSdxlRefiner, {{kClipG, std::move(*g)}}, device);
  if (auto h = find_text_encoder(*checkpoint, "cond_stage_model.model.")) return make_clip(TextFamily::kSd2, {{kClipH, std::move(*h)}}, device);
  if (auto found = find_text_encoder(*checkpoint, "cond_stage_model.transformer.")) {
    constexpr std::int64_t kWidthH = 1024;
    if (found->width == kWidthH) return make_clip(TextFamily::kSd2, {{kClipH, std::move(*found)}}, device);
    return make_clip(TextFamily::kSd1, {{kClipL, std::move(*found)}}, device);
  }
  return nullptr;
}

std::shared_ptr<const Clip> load_clip(const std::vector<std::shared_ptr<const StateDict>>& files, at::Device device) {
  constexpr std::array<const char*, 8> kPlaces{"", "transformer.", "clip_l.transformer.", "clip_g.transformer.", "clip_h.transformer.",
                                               "cond_stage_model.transformer.", "cond_stage_model.model.", "conditioner.embedders.0.model."};
  constexpr std::int64_t kMostLayersL = 12, kMostLayersH = 24;
  std::optional<FoundTextEncoder> l, h, g;
  for (const auto& file : files)
    for (const char* place : kPlaces) {
      auto found = find_text_encoder(*file, place);
      if (!found) continue;
      auto& slot = found->layers <= kMostLayersL ? l : found->layers <= kMostLayersH ? h : g;
      slot = std::move(found);
    }
  if (l && g) return make_clip(TextFamily::kSdxl, {{kClipL, std::move(*l)}, {kClipG, std::move(*g)}}, device);
  if (files.size() > 1) throw InvalidInput("two text encoders are wanted, CLIP-L and OpenCLIP-G as SDXL has them; the files do not hold these two");
  if (l) return make_clip(TextFamily::kSd1, {{kClipL, std::move(*l)}}, device);
  if (h) return make_clip(TextFamily::kSd2, {{kClipH, std::move(*h)}}, device);
  if (g) return make_clip(TextFamily::kSdxlRefiner, {{kClipG, std::move(*g)}}, device);
  throw InvalidInput("the file holds no CLIP text encoder of SD1.x, SD2.x or SDXL");
}

}  // namespace darkroom
