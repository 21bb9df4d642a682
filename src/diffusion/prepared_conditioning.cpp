#include "diffusion/prepared_conditioning.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "diffusion/timestep_embedding.hpp"
#include "diffusion/unclip.hpp"
#include "tensor/concat.hpp"

namespace darkroom {

namespace {

constexpr std::int64_t kLeastMaskedSide = 8;   // of an area made from the bounds of a mask
constexpr std::int64_t kSoftBorder = 8;        // rows over which an area fades
constexpr std::int64_t kSizeEmbedding = 256;   // width of SDXL's embedding of one number
constexpr double kPositiveAesthetics = 6.0, kNegativeAesthetics = 2.5;  // SDXL refiner: what the report calls typical scores

at::Tensor resized(const at::Tensor& picture, std::int64_t height, std::int64_t width) {  // [B,C,H,W], bilinear, half-pixel centres
  if (picture.size(2) == height && picture.size(3) == width) return picture;
  return at::upsample_bilinear2d(picture, {height, width}, /*align_corners=*/false);
}

/// The box of what isn't zero in any picture of the batch.
Area bounds_of(const at::Tensor& mask) {
  const auto places = at::nonzero(mask.abs().amax(0));  // [n,2]
  if (places.size(0) == 0) return {kLeastMaskedSide, kLeastMaskedSide, 0, 0};
  const auto low = places.amin(0), high = places.amax(0);
  const auto y = low[0].item<std::int64_t>(), x = low[1].item<std::int64_t>();
  return {std::max(kLeastMaskedSide, high[0].item<std::int64_t>() - y + 1), std::max(kLeastMaskedSide, high[1].item<std::int64_t>() - x + 1), y, x};
}

std::int64_t rounded(double value) { return static_cast<std::int64_t>(std::nearbyint(value)); }  // half to even

/// Areas and masks in latent pixels: `mask` becomes [B,h,w] of the latent's size, `area` absolute.
void resolve_places(Cond& cond, std::int64_t height, std::int64_t width) {
  if (const auto* fraction = std::get_if<AreaFraction>(&cond.area))
    cond.area = Area{std::max<std::int64_t>(1, rounded(fraction->height * height)), std::max<std::int64_t>(1, rounded(fraction->width * width)),
                     rounded(fraction->y * height), rounded(fraction->x * width)};
  if (!cond.mask) return;
  auto mask = cond.mask->to(at::kFloat);
  mask = mask.dim() == 2 ? mask.unsqueeze(0) : mask.reshape({-1, mask.size(-2), mask.size(-1)});
  mask = resized(mask.unsqueeze(1), height, width).squeeze(1);
  if (cond.area_to_mask_bounds) cond.area = bounds_of(mask);
  cond.mask = mask;
}

const Area* area_of(const Cond& cond) { return std::get_if<Area>(&cond.area); }

bool encloses(const Area& outer, const Area& inner) {
  return outer.y <= inner.y && outer.x <= inner.x && outer.y + outer.height >= inner.y + inner.height && outer.x + outer.width >= inner.x + inner.width;
}

/// What `list` says of the area of `cond`: an entry as `cond` in everything but its text, which is that of the smallest entry around it.
/// Nothing when the list has an entry for just this area, or none around it.
std::optional<Cond> counterpart(const Cond& cond, const Conditioning& list) {
  const auto& area = *area_of(cond);
  const Cond* smallest = nullptr;
  for (const auto& other : list) {
    const auto* around = area_of(other);
    if (!around) {
      if (!smallest) smallest = &other;
    } else if (encloses(*around, area)) {
      const auto* best = smallest ? area_of(*smallest) : nullptr;
      if (!best || best->height * best->width > around->height * around->width) smallest = &other;
    }
  }
  if (!smallest) return std::nullopt;
  if (const auto* same = area_of(*smallest); same && *same == area) return std::nullopt;
  Cond made(cond);
  made.text = smallest->text;
  made.pooled = smallest->pooled;
  made.size = smallest->size;
  made.concat_latent = smallest->concat_latent;
  made.concat_mask = smallest->concat_mask;
  made.unclip = smallest->unclip;
  return made;
}

/// What entries of the positive list have in `member` is given to the others' entries that have none, one after the other: controls of
/// ControlNetApply, boxes of GLIGEN.
template <class Thing, class Shares>
void share(std::vector<Conditioning>& lists, std::shared_ptr<const Thing> Cond::*member, const Shares& shares) {
  if (lists.size() < 2) return;
  std::vector<std::shared_ptr<const Thing>> shared;
  for (const auto& cond : lists[0])
    if (cond.*member && shares(cond)) shared.push_back(cond.*member);
  if (shared.empty()) return;
  std::size_t next = 0;
  for (std::size_t i = 1; i < lists.size(); ++i)
    for (auto& cond : lists[i])
      if (!(cond.*member) && !area_of(cond)) cond.*member = shared[next++ % shared.size()];
}

at::Tensor embedded(double number) { return timestep_embedding(at::full({1}, number, at::kFloat), kSizeEmbedding); }

/// The vector that SDXL takes beside the text: pooled text, then embeddings of the picture's sizes (Podell et al. 2023, 2.2).
at::Tensor size_vector(const UNetConfig& config, const Cond& cond, std::int64_t height, std::int64_t width, bool negative) {
  if (!cond.pooled) throw InvalidInput("the model needs a pooled text vector and the conditioning has none: was it made by the text encoder of another family?");
  const auto& size = cond.size;
  const auto w = size.width.value_or(width), h = size.height.value_or(height);
  std::vector<at::Tensor> parts{cond.pooled->to(at::kFloat), embedded(h), embedded(w), embedded(size.crop_h.value_or(0)), embedded(size.crop_w.value_or(0))};
  if (config.family == Family::kSDXLRefiner) {
    parts.push_back(embedded(size.aesthetic_score.value_or(negative ? kNegativeAesthetics : kPositiveAesthetics)));
  } else {
    parts.push_back(embedded(size.target_height.value_or(h)));
    parts.push_back(embedded(size.target_width.value_or(w)));
  }
  return concat(parts, 1);
}

/// What an inpainting model sees behind the latent: the mask and the latent of the picture with a hole (9 channels in all).
at::Tensor inpaint_channels(const LatentFormat& format, const Cond& cond, const RunLatent& run, std::int64_t height, std::int64_t width) {
  static constexpr float kGrey[] = {0.8223F, -0.6876F, 0.6364F, 0.1380F};  // the latent of a grey picture, scaled
  at::Tensor mask;
  if (cond.concat_mask) mask = cond.concat_mask->to(at::kFloat);
  else if (run.mask) mask = run.mask->narrow(1, 0, 1);
  at::Tensor picture;
  if (cond.concat_latent) picture = cond.concat_latent->to(at::kFloat) * format.scale;
  else if (mask.defined()) picture = run.latent;
  else picture = at::tensor(at::ArrayRef<float>(kGrey)).reshape({1, 4, 1, 1}).expand({1, 4, height, width});
  if (mask.defined()) {
    mask = mask.dim() == 4 ? mask.mean(1, true) : mask.reshape({-1, 1, mask.size(-2), mask.size(-1)});
    mask = resized(mask, height, width).round();
  } else {
    mask = at::ones({1, 1, height, width});
  }
  picture = resized(picture, height, width);
  const auto batch = std::max(mask.size(0), picture.size(0));
  const auto repeated = [batch](const at::Tensor& t) { return t.size(0) == batch ? t : t.repeat({(batch + t.size(0) - 1) / t.size(0), 1, 1, 1}).narrow(0, 0, batch); };
  return concat({repeated(mask), repeated(picture)}, 1);
}

/// Fades one side of `weights` [1,1,h,w] along `dim` over up to kSoftBorder rows; `at_end`: the far side.
void fade(const at::Tensor& weights, std::int64_t dim, bool at_end) {
  const auto side = weights.size(dim), rows = std::min(kSoftBorder, side / 4);
  for (std::int64_t t = 0; t < rows; ++t) weights.select(dim, at_end ? side - 1 - t : t).mul_(static_cast<double>(t + 1) / static_cast<double>(rows));
}

/// The weight of an entry's prediction: its strength, masked, or fading towards the sides of an area that lie within the latent.
at::Tensor weight_map(const Cond& cond, const std::optional<Area>& given, std::int64_t height, std::int64_t width) {
  const double strength = cond.strength.value_or(1.0);
  const auto area = given.value_or(Area{height, width, 0, 0});
  if (cond.mask) return cond.mask->unsqueeze(1).narrow(2, area.y, area.height).narrow(3, area.x, area.width) * (cond.mask_strength * strength);
  if (!given) return at::full({1, 1, 1, 1}, strength, at::kFloat);
  auto weights = at::full({1, 1, area.height, area.width}, strength, at::kFloat);
  if (area.y != 0) fade(weights, 2, false);
  if (area.y + area.height < height) fade(weights, 2, true);
  if (area.x != 0) fade(weights, 3, false);
  if (area.x + area.width < width) fade(weights, 3, true);
  return weights;
}

PreparedCond prepare(const DiffusionModel& model, const Cond& cond, const RunLatent& run, bool negative) {
  const auto& config = model.config();
  const auto height = run.latent.size(2), width = run.latent.size(3);
  const bool pictured = config.family == Family::kSD2 && config.adm_channels > 0;  // unCLIP
  PreparedCond ready;
  ready.context = cond.text.to(at::kFloat);
  if (ready.context.dim() != 3 || ready.context.size(2) != config.context_dim)
    throw InvalidInput("the text encoder does not fit the model: its vectors have " + std::to_string(ready.context.size(-1)) +
                       " elements, the model takes " + std::to_string(config.context_dim));
  if (config.adm_channels > 0) {
    ready.y = pictured ? unclip_vector(config.adm_channels / 2, cond.unclip, run.seed)
                       : size_vector(config, cond, height * model.latents->downscale, width * model.latents->downscale, negative);
    if (ready.y.size(1) != config.adm_channels)
      throw InvalidInput(std::string(pictured ? "the pictures' vector" : "the pooled text vector") + " does not fit the model: " + std::to_string(ready.y.size(1)) + " elements, the model takes " +
                         std::to_string(config.adm_channels));
  }
  const auto extra = config.in_channels - model.latents->channels;
  if (extra == 5) {
    ready.concat = inpaint_channels(*model.latents, cond, run, height, width);
  } else if (extra > 0) {  // InstructPix2Pix: the picture's latent as it is
    ready.concat = cond.concat_latent ? resized(cond.concat_latent->to(at::kFloat), height, width) : at::zeros({1, extra, height, width});
    if (ready.concat.size(1) != extra) throw InvalidInput("the model takes " + std::to_string(extra) + " channels beside the latent");
  }
  if (const auto* area = area_of(cond)) {
    const auto y = std::min(area->y, height), x = std::min(area->x, width);  // one that lies outside is empty
    ready.area = Area{std::min(area->height, height - y), std::min(area->width, width - x), y, x};
  }
  ready.weight = weight_map(cond, ready.area, height, width).to(run.latent.device());
  if (cond.start_percent) ready.start_sigma = model.sampling().percent_to_sigma(*cond.start_percent);
  if (cond.end_percent) ready.end_sigma = model.sampling().percent_to_sigma(*cond.end_percent);
  if (cond.text_start_percent) ready.start_sigma = std::min(ready.start_sigma, model.sampling().percent_to_sigma(*cond.text_start_percent));
  if (cond.text_end_percent) ready.end_sigma = std::max(ready.end_sigma, model.sampling().percent_to_sigma(*cond.text_end_percent));
  ready.hooks = cond.hooks;
  ready.fallback = cond.fallback;
  ready.control = cond.control;
  ready.gligen = cond.gligen;
  if (cond.control && cond.control_text) ready.control_context = cond.control_text->to(at::kFloat);
  if (cond.control && cond.control_pooled && config.adm_channels > 0 && !pictured) {
    Cond other(cond);
    other.pooled = cond.control_pooled;
    ready.control_y = size_vector(config, other, height * model.latents->downscale, width * model.latents->downscale, negative);
  }
  return ready;
}

}  // namespace

std::vector<PreparedConds> prepare_conditioning(const DiffusionModel& model, std::vector<Conditioning> lists, const RunLatent& run) {
  const auto height = run.latent.size(2), width = run.latent.size(3);
  for (auto& list : lists)
    for (auto& cond : list) resolve_places(cond, height, width);
  const auto given = lists;
  for (std::size_t from = 0; from < lists.size(); ++from)
    for (const auto& cond : given[from]) {
      if (!area_of(cond)) continue;
      for (std::size_t to = 0; to < lists.size(); ++to)
        if (to != from)
          if (auto made = counterpart(cond, lists[to])) lists[to].push_back(std::move(*made));
    }
  share(lists, &Cond::control, [](const Cond& cond) { return cond.control_applies_to_negative; });
  share(lists, &Cond::gligen, [](const Cond&) { return true; });
  std::vector<PreparedConds> prepared;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    prepared.emplace_back();
    for (const auto& cond : lists[i]) prepared.back().push_back(prepare(model, cond, run, i == 1));
  }
  return prepared;
}

}  // namespace darkroom
