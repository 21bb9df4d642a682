#include "diffusion/predictor.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <numeric>

#include "diffusion/control.hpp"
#include "diffusion/gligen.hpp"
#include "tensor/concat.hpp"
#include "tensor/out_of_memory.hpp"

namespace darkroom {

namespace {

constexpr std::int64_t kMostRepeats = 4;     // of a text, to make two of different lengths one batch
constexpr double kLeastWeight = 1e-37;       // a place that no entry covers gives 0
constexpr std::size_t kActivationFloats = 40;  // live at once, of the widest level, for each latent pixel and base channel; measured on SD1.5

Area whole(const at::Tensor& x) { return {x.size(2), x.size(3), 0, 0}; }

at::Tensor cut(const at::Tensor& t, const Area& area) { return t.narrow(2, area.y, area.height).narrow(3, area.x, area.width); }

/// [n or 1, ...] repeated to [pictures, ...].
at::Tensor repeated(const at::Tensor& t, std::int64_t pictures) {
  if (t.size(0) == pictures) return t;
  std::vector<std::int64_t> times(t.dim(), 1);
  times[0] = (pictures + t.size(0) - 1) / t.size(0);
  return t.repeat(times).narrow(0, 0, pictures);
}

/// Can texts of these lengths be one batch?
bool lengths_join(std::int64_t a, std::int64_t b) {
  const auto common = std::lcm(a, b);
  return common / std::min(a, b) <= kMostRepeats;
}

}  // namespace

struct Predictor::Item {
  std::size_t list;
  const PreparedCond* cond;
  Area area;
  HookKey network;
  at::Tensor weight;  ///< at each place of the area, [B or 1,1,h,w] or [1,1,1,1]

  bool joins(const Item& other) const {
    return area.height == other.area.height && area.width == other.area.width && network == other.network && cond->control == other.cond->control &&
           cond->gligen == other.cond->gligen && control_text_joins(other) && cond->y.defined() == other.cond->y.defined() && lengths_join(cond->context.size(1), other.cond->context.size(1));
  }
  bool control_text_joins(const Item& other) const {
    if (cond->control_y.defined() != other.cond->control_y.defined()) return false;
    return !cond->control || lengths_join(text(true).size(1), other.text(true).size(1));
  }
  const at::Tensor& text(bool of_control) const { return of_control && cond->control_context.defined() ? cond->control_context : cond->context; }
};

Predictor::Predictor(const DiffusionModel& model, std::vector<PreparedConds> lists, const std::vector<float>& sigmas, Limits limits)
    : model_(model), lists_(std::move(lists)), sigmas_(sigmas), limits_(std::move(limits)), networks_(model, sigmas.front()) {}

bool Predictor::fits(std::size_t entries, const at::Tensor& x, const Area& area) const {
  if (!limits_.free_bytes || entries == 1) return true;
  const auto floats = entries * static_cast<std::size_t>(x.size(0) * area.height * area.width * model_.config().model_channels) * kActivationFloats;
  return floats * sizeof(float) < limits_.free_bytes();
}

const at::Tensor& Predictor::context(const std::vector<Item>& batch, std::int64_t pictures, bool of_control) {
  std::vector<const PreparedCond*> key;
  std::int64_t length = 1;
  for (const auto& item : batch) {
    key.push_back(item.cond);
    length = std::lcm(length, item.text(of_control).size(1));
  }
  auto& joined = contexts_[{std::move(key), of_control}];
  if (!joined.defined()) {
    std::vector<at::Tensor> texts;
    for (const auto& item : batch) {
      const auto& text = item.text(of_control);
      texts.push_back(repeated(text.repeat({1, length / text.size(1), 1}), pictures));
    }
    joined = concat(texts, 0).contiguous();
  }
  return joined;
}

std::optional<ControlResiduals> Predictor::controls(const std::vector<Item>& batch, const UNetCall& call, std::int64_t pictures, double sigma) {
  const auto& first = *batch.front().cond;
  if (!first.control) return std::nullopt;
  UNetCall own(call);
  const bool other_text = std::any_of(batch.begin(), batch.end(), [](const Item& item) { return item.cond->control_context.defined(); });
  if (other_text) own.context = context(batch, pictures, true);
  if (first.control_y.defined()) {
    std::vector<at::Tensor> vectors;
    for (const auto& item : batch) vectors.push_back(repeated(item.cond->control_y, pictures));
    own.y = concat(vectors, 0);
  }
  return control_residuals(first.control.get(), own, {model_.sampling(), sigma, static_cast<std::int64_t>(batch.size()), model_.network});
}

std::optional<UNetPatches> Predictor::with_boxes(const std::vector<Item>& batch, const UNetPatches* patches) {
  const auto& first = batch.front();
  if (!first.cond->gligen) return std::nullopt;
  const auto& use = *first.cond->gligen;
  auto& boxes = boxes_[{&use, first.area.height, first.area.width}];
  if (!boxes.model) {
    auto model = use.model->acquire();
    boxes = {model, model->objects(use.boxes, first.area.height, first.area.width)};
  }
  UNetPatches more = patches ? *patches : UNetPatches();
  more.between_attentions.push_back(
      [boxes](const at::Tensor& tokens, const UNetPlace& place) { return boxes.model->fused(tokens, boxes.objects, place); });
  return more;
}

at::Tensor Predictor::run(const std::vector<Item>& batch, const at::Tensor& x, double sigma, const UNetPatches* patches) {
  const auto pictures = x.size(0), total = pictures * static_cast<std::int64_t>(batch.size());
  UNetCall call;
  std::vector<at::Tensor> parts, vectors, extras;
  for (const auto& item : batch) {
    parts.push_back(cut(x, item.area));
    call.lists.push_back(static_cast<std::int64_t>(item.list));
    if (item.cond->y.defined()) vectors.push_back(repeated(item.cond->y, pictures));
    if (item.cond->concat.defined()) extras.push_back(repeated(cut(item.cond->concat, item.area), pictures));
  }
  const auto noised = concat(parts, 0);
  const auto sigmas = at::full({total}, sigma, noised.options());
  call.context = context(batch, pictures, false);
  if (!vectors.empty()) call.y = concat(vectors, 0);
  call.patches = patches ? patches : model_.patches.get();
  call.check = limits_.check;
  call.chance = limits_.chance;
  call.schedule = &sigmas_;
  const auto boxed = with_boxes(batch, call.patches);
  if (boxed) call.patches = &*boxed;
  const auto apply = [&](const at::Tensor& latent, const at::Tensor& at_sigmas) {
    const double one = at_sigmas.data_ptr() == sigmas.data_ptr() ? sigma : at_sigmas.max().item<double>();
    const auto scaled = model_.sampling().input(latent, at_sigmas);
    call.x = extras.empty() ? scaled : concat({scaled, concat(extras, 0)}, 1);
    call.timesteps = at::full({total}, model_.sampling().timestep(one), noised.options());
    call.sigma = one;
    call.control = nullptr;
    const auto residuals = controls(batch, call, pictures, one);
    if (residuals) call.control = &*residuals;
    const auto output = with_room(model_.network->compute().budget, [&] { return networks_.network(batch.front().network)(call); });
    return model_.sampling().denoised(output, latent, at_sigmas);
  };
  return model_.around_network ? model_.around_network({noised, sigmas, call.context, call.lists, apply}) : apply(noised, sigmas);
}

at::Tensor Predictor::left_over(const std::vector<Item>& items, std::size_t list, const at::Tensor& x) {
  auto left = at::ones({x.size(0), 1, x.size(2), x.size(3)}, x.options());
  for (const auto& item : items)
    if (item.list == list && !item.cond->fallback) cut(left, item.area).sub_(repeated(item.weight, x.size(0)));
  return left.relu_();
}

std::vector<Predictor::Item> Predictor::active_items(const std::vector<bool>& wanted, const at::Tensor& x, double sigma) {
  std::vector<Item> items;
  std::set<HookKey> keys;
  for (std::size_t list = std::min(wanted.size(), lists_.size()); list-- > 0;) {
    bool falls_back = false;
    for (const auto& cond : lists_[list]) {
      auto key = networks_.key_at(cond.hooks.get(), sigma);  // of all lists: keyframes go on also while an entry rests
      const auto area = cond.area.value_or(whole(x));
      if (!wanted[list] || !cond.active(sigma) || area.height <= 0 || area.width <= 0) continue;
      keys.insert(key);
      items.push_back({list, &cond, area, std::move(key), cond.weight});
      falls_back = falls_back || cond.fallback;
    }
    if (!falls_back) continue;
    const auto left = left_over(items, list, x);
    const bool any = left.max().item<float>() > 0;
    for (auto& item : items)
      if (item.list == list && item.cond->fallback) item.weight = cut(left, item.area);
    if (!any) std::erase_if(items, [list](const Item& item) { return item.list == list && item.cond->fallback; });
  }
  networks_.keep(keys);
  return items;
}

std::vector<at::Tensor> Predictor::predict(const std::vector<bool>& wanted, const at::Tensor& x, double sigma, const UNetPatches* patches) {
  auto waiting = active_items(wanted, x, sigma);
  struct Sum { at::Tensor output, weight; };
  std::vector<Sum> sums(lists_.size());
  while (!waiting.empty()) {
    if (limits_.check) limits_.check();
    std::vector<Item> batch{waiting.front()}, rest;
    for (std::size_t i = 1; i < waiting.size(); ++i) {
      const bool joins = std::all_of(batch.begin(), batch.end(), [&](const Item& item) { return item.joins(waiting[i]); });
      (joins && fits(batch.size() + 1, x, waiting[i].area) ? batch : rest).push_back(waiting[i]);
    }
    const auto outputs = run(batch, x, sigma, patches).split(x.size(0), 0);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto& sum = sums[batch[i].list];
      const auto weight = repeated(batch[i].weight, x.size(0));
      if (!sum.output.defined()) {
        sum.output = at::zeros_like(x);
        sum.weight = at::full(x.sizes(), kLeastWeight, x.options());
      }
      cut(sum.output, batch[i].area).add_(outputs[i] * weight);
      cut(sum.weight, batch[i].area).add_(weight);
    }
    waiting = std::move(rest);
  }
  std::vector<at::Tensor> results(std::max(lists_.size(), wanted.size()));
  for (std::size_t list = 0; list < lists_.size(); ++list) {
    if (list >= wanted.size() || !wanted[list]) continue;
    results[list] = sums[list].output.defined() ? sums[list].output.div_(sums[list].weight) : at::zeros_like(x);
  }
  return results;
}

}  // namespace darkroom
