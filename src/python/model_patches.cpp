#include "python/model_patches.hpp"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <optional>
#include <string>

#include "base/error.hpp"
#include "diffusion/guidance.hpp"
#include "diffusion/unet_patches.hpp"
#include "nodes/diffusion/model_changes.hpp"
#include "python/callback.hpp"
#include "python/handles.hpp"
#include "python/host.hpp"
#include "python/values.hpp"

namespace darkroom::py {
namespace {

/// A function of a pack behind the function of darkroom_host.patches that knows its arguments.
class Patch {
 public:
  /// `bound`: what the adapter gets before all else.
  Patch(const char* adapter, PyObject* function, const Ref& bound = {}) : function_(checked(PyObject_CallMethod(host_module(), "adapted", "sOO", adapter, function, bound ? bound.get() : Py_None)).get()) {}

  template <class... Arguments>
  at::Tensor tensor(const Arguments&... arguments) const {
    return tensor_in(call(arguments...).get());
  }
  /// A tuple of tensors.
  template <class... Arguments>
  std::vector<at::Tensor> tensors(const Arguments&... arguments) const {
    const Ref result = call(arguments...);
    const Ref items = checked(PySequence_Fast(result.get(), "a patch of the model has to return tensors"));
    std::vector<at::Tensor> list;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) list.push_back(tensor_in(PySequence_Fast_GET_ITEM(items.get(), i)));
    return list;
  }

 private:
  template <class... Arguments>
  Ref call(const Arguments&... arguments) const {
    return function_(arguments...);
  }
  static at::Tensor tensor_in(PyObject* object) {
    if (!is_tensor(object)) throw NamedError("TypeError", std::string("a patch of the model has to return a tensor, not ") + Py_TYPE(object)->tp_name);
    return tensor_from_python(object);
  }

  Callback function_;
};

// The network goes on in the same memory, and packs may keep or change what they get: it is theirs.
Ref own(const at::Tensor& tensor) { return tensor_to_python(tensor.clone()); }

Ref number(double value) { return checked(PyFloat_FromDouble(value)); }

Ref floats(const std::vector<float>& values) { return tensor_to_python(at::tensor(at::ArrayRef<float>(values))); }

const char* part_name(UNetPart part) { return part == UNetPart::kInput ? "input" : part == UNetPart::kMiddle ? "middle" : "output"; }

/// (part, block, transformer in the block, transformer in the network, heads, channels, height, width, lists, latent's shape, sigmas [B], schedule)
Ref place_tuple(const UNetPlace& place, std::int64_t channels) {
  const UNetCall& call = *place.call;
  json::array lists, shape;
  for (const auto list : call.lists) lists.emplace_back(list);
  for (const auto size : call.x.sizes()) shape.emplace_back(size);
  const Ref sigmas = tensor_to_python(at::full({call.x.size(0)}, call.sigma, at::kFloat));
  const Ref schedule = call.schedule ? floats(*call.schedule) : Ref::share(Py_None);
  const auto whole = [](std::int64_t value) { return static_cast<long long>(value); };
  return checked(Py_BuildValue("(sLLLLLLLOOOO)", part_name(place.part), whole(place.block), whole(place.transformer), whole(place.number), whole(place.heads), whole(channels),
                               whole(place.height), whole(place.width), to_python(json::value(lists)).get(), to_python(json::value(shape)).get(), sigmas.get(), schedule.get()));
}

/// (x, sigma, cfg, denoised of each list, schedule)
Ref step_tuple(const GuidanceStep& step) {
  const Ref denoised = checked(PyList_New(0));
  for (const auto& one : step.denoised)
    if (PyList_Append(denoised.get(), (one.defined() ? own(one) : Ref::share(Py_None)).get()) != 0) throw_raised();
  return checked(Py_BuildValue("(OddOO)", own(step.x).get(), step.sigma, step.cfg, denoised.get(), floats(step.sigmas).get()));
}

UNetPatches::OnTokens on_tokens(Patch patch) {
  return [patch](const at::Tensor& tokens, const UNetPlace& place) {
    const Gil gil;
    return patch.tensor(own(tokens), place_tuple(place, tokens.size(-1)));
  };
}

UNetPatches::OnSources on_sources(Patch patch) {
  return [patch](AttentionSources& sources, const UNetPlace& place) {
    const Gil gil;
    const auto changed = patch.tensors(own(sources.queries), own(sources.keys), own(sources.values), place_tuple(place, sources.queries.size(-1)));
    if (changed.size() != 3) throw NamedError("ValueError", "a patch before an attention has to return queries, keys and values");
    sources = {changed[0], changed[1], changed[2]};
  };
}

/// Which transformer block a replacement is for.
struct Target {
  std::string part;
  std::int64_t block = 0;
  std::optional<std::int64_t> transformer;
  bool is(const UNetPlace& place) const { return part == part_name(place.part) && block == place.block && (!transformer || *transformer == place.transformer); }
};

/// The option of this name; null for none and for None.
PyObject* option(PyObject* options, const char* name) {
  PyObject* found = options && PyDict_Check(options) ? PyDict_GetItemString(options, name) : nullptr;
  return found == Py_None ? nullptr : found;
}

std::int64_t integer_in(PyObject* object) {
  const auto number = PyLong_AsLongLong(object);
  if (number == -1 && PyErr_Occurred()) throw_raised();
  return number;
}

Target target_of(PyObject* options) {
  PyObject *block = option(options, "block"), *number = option(options, "number"), *index = option(options, "transformer_index");
  if (!block || !number) throw InvalidInput("a replaced attention needs the block that it is in");
  return {text_of(block), integer_in(number), index ? std::optional(integer_in(index)) : std::nullopt};
}

UNetPatches::Attention replacement(Patch patch, const Target& target) {
  return [patch, target](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const UNetPlace& place) {
    if (!target.is(place)) return at::Tensor();
    const Gil gil;
    return patch.tensor(own(q), own(k), own(v), place_tuple(place, q.size(-1)));
  };
}

/// After the blocks of one part.
UNetPatches::OnImage on_image(Patch patch, UNetPart part) {
  return [patch, part](const at::Tensor& h, const UNetPlace& place) {
    if (place.part != part) return h;
    const Gil gil;
    return patch.tensor(own(h), place_tuple(place, h.size(1)));
  };
}

UNetPatches::OnSkip on_skip(Patch patch) {
  return [patch](at::Tensor& h, at::Tensor& skip, const UNetPlace& place) {
    const Gil gil;
    const auto changed = patch.tensors(own(h), own(skip), place_tuple(place, h.size(1)));
    if (changed.size() != 2) throw NamedError("ValueError", "a patch of output blocks has to return two tensors");
    h = changed[0], skip = changed[1];
  };
}

std::function<at::Tensor(const NetworkCall&)> around(Patch patch) {
  return [patch](const NetworkCall& call) {
    const Gil gil;
    const LentFunction apply([&call](PyObject* arguments) {
      PyObject *x = nullptr, *sigmas = nullptr;
      if (!PyArg_ParseTuple(arguments, "OO", &x, &sigmas)) throw_raised();
      if (!is_tensor(x) || !is_tensor(sigmas)) throw InvalidInput("the network takes tensors");
      const auto latent = tensor_from_python(x), at_sigmas = tensor_from_python(sigmas);
      at::Tensor result;
      {
        const Unlocked unlocked;
        result = call.apply(latent, at_sigmas);
      }
      return tensor_to_python(result);
    });
    json::array lists;
    for (const auto list : call.lists) lists.emplace_back(list);
    return patch.tensor(apply, own(call.x), own(call.sigmas), own(call.context), to_python(json::value(lists)));
  };
}

}  // namespace

std::shared_ptr<const DiffusionModel> patched_model(const DiffusionModel& model, std::string_view kind, PyObject* function, PyObject* options) {
  auto changed = std::make_shared<DiffusionModel>(model);
  auto& hooks = changed->hooks;
  const auto patch = [&](const auto& change) { changed->patches = changed_patches(model, change); };
  const auto guided = [&](const char* adapter) { return Patch(adapter, function, capsule_of(std::make_shared<ModelValue>(std::make_shared<const DiffusionModel>(model)))); };
  if (PyObject* needed = option(options, "needs_uncond"); needed && PyObject_IsTrue(needed) == 1) hooks.needs_uncond = true;

  if (kind == "sampler_cfg_function") {
    hooks.formula = [own = guided("guidance")](const GuidanceStep& step) {
      const Gil gil;
      return own.tensor(step_tuple(step));
    };
  } else if (kind == "sampler_post_cfg_function") {
    hooks.after.push_back([after = guided("after_guidance")](const GuidanceStep& step, const at::Tensor& result) {
      const Gil gil;
      return after.tensor(step_tuple(step), own(result));
    });
  } else if (kind == "sampler_pre_cfg_function") {
    hooks.before.push_back([before = guided("before_guidance")](GuidanceStep& step) {
      const Gil gil;
      auto denoised = before.tensors(step_tuple(step));
      for (std::size_t i = 0; i < std::min(denoised.size(), step.denoised.size()); ++i)
        if (step.denoised[i].defined()) step.denoised[i] = denoised[i];
    });
  } else if (kind == "denoise_mask_function") {
    hooks.mask = [mask_patch = guided("denoise_mask")](const at::Tensor& mask, double sigma, const std::vector<float>& sigmas, const ModelSampling&) {
      const Gil gil;
      return mask_patch.tensor(own(mask), number(sigma), floats(sigmas));
    };
  } else if (kind == "unet_wrapper") {
    changed->around_network = around(Patch("around_network", function));
  } else if (kind == "attn1_patch") {
    patch([&](UNetPatches& all) { all.attn1_input.push_back(on_sources(Patch("sources", function))); });
  } else if (kind == "attn2_patch") {
    patch([&](UNetPatches& all) { all.attn2_input.push_back(on_sources(Patch("sources", function))); });
  } else if (kind == "attn1_output_patch") {
    patch([&](UNetPatches& all) { all.attn1_output.push_back(on_tokens(Patch("tokens", function))); });
  } else if (kind == "attn2_output_patch") {
    patch([&](UNetPatches& all) { all.attn2_output.push_back(on_tokens(Patch("tokens", function))); });
  } else if (kind == "attn1_replace") {
    patch([&](UNetPatches& all) { all.attn1_replace.push_back(replacement(Patch("attention", function), target_of(options))); });
  } else if (kind == "attn2_replace") {
    patch([&](UNetPatches& all) { all.attn2_replace.push_back(replacement(Patch("attention", function), target_of(options))); });
  } else if (kind == "input_block_patch") {
    patch([&](UNetPatches& all) { all.after_block.push_back(on_image(Patch("image", function), UNetPart::kInput)); });
  } else if (kind == "input_block_patch_after_skip") {
    patch([&](UNetPatches& all) { all.after_skip.push_back(on_image(Patch("image", function), UNetPart::kInput)); });
  } else if (kind == "middle_patch") {
    patch([&](UNetPatches& all) { all.after_block.push_back(on_image(Patch("image", function), UNetPart::kMiddle)); });
  } else if (kind == "output_block_patch") {
    patch([&](UNetPatches& all) { all.before_output.push_back(on_skip(Patch("skip", function))); });
  } else {
    throw InvalidInput("there is no patch of the kind " + std::string(kind));
  }
  return changed;
}

}  // namespace darkroom::py
