// MODEL, VAE and upscalers for Python: what they are, LoRAs out of Python's hands, and patches.

#include <ATen/ops/tensor.h>

#include <set>

#include "base/error.hpp"
#include "diffusion/clip.hpp"
#include "diffusion/control.hpp"
#include "diffusion/lora.hpp"
#include "diffusion/vae.hpp"
#include "nodes/diffusion/clip_values.hpp"
#include "nodes/diffusion/control_values.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/upscale_model.hpp"
#include "python/calls.hpp"
#include "python/engine.hpp"
#include "python/engine_values.hpp"
#include "python/errors.hpp"
#include "python/handles.hpp"
#include "python/model_patches.hpp"
#include "python/values.hpp"

namespace darkroom::py {
namespace {

const char* prediction_name(Prediction prediction) {
  switch (prediction) {
    case Prediction::kEps: return "eps";
    case Prediction::kV: return "v_prediction";
    case Prediction::kX0: return "x0";
    case Prediction::kEdm: return "edm";
    case Prediction::kLcm: return "lcm";
    case Prediction::kFlow: return "flow";
    case Prediction::kImage: return "img_to_img";
    case Prediction::kVeFlow: return "cosmos_rflow";
  }
  return "eps";
}

PyObject* model_info(PyObject*, PyObject* handle) {
  return guarded([&] {
    const auto model = model_of(handle);
    const auto& config = model->config();
    const auto& sampling = model->sampling();
    json::array rgb;
    for (const auto& row : model->latents->rgb) rgb.push_back(json::array{row[0], row[1], row[2]});
    return to_python(json::value(json::object{{"latent_channels", model->latents->channels},
                                              {"latent_scale", model->latents->scale},
                                              {"latent_rgb", std::move(rgb)},
                                              {"latent_rgb_bias", json::array{model->latents->rgb_bias[0], model->latents->rgb_bias[1], model->latents->rgb_bias[2]}},
                                              {"taesd", model->latents->taesd},
                                              {"prediction", prediction_name(sampling.prediction())},
                                              {"adm_channels", config.adm_channels},
                                              {"context_dim", config.context_dim},
                                              {"model_channels", config.model_channels},
                                              {"in_channels", config.in_channels},
                                              {"sigma_min", sampling.sigma_min()},
                                              {"sigma_max", sampling.sigma_max()},
                                              {"size", model->network->bytes()}}))
        .release();
  });
}

PyObject* model_sigmas(PyObject*, PyObject* handle) {
  return guarded([&] { return tensor_to_python(at::tensor(at::ArrayRef<float>(model_of(handle)->sampling().sigmas()))).release(); });
}

/// One of ModelSampling's functions of a number.
template <double (ModelSampling::*function)(double) const>
PyObject* of_schedule(PyObject*, PyObject* args) {
  PyObject* model = nullptr;
  double value = 0;
  if (!PyArg_ParseTuple(args, "Od", &model, &value)) return nullptr;
  return guarded([&] { return PyFloat_FromDouble((model_of(model)->sampling().*function)(value)); });
}

PyObject* patch(PyObject*, PyObject* args) {
  PyObject *model = nullptr, *function = nullptr, *options = nullptr;
  const char* kind = nullptr;
  if (!PyArg_ParseTuple(args, "OsOO", &model, &kind, &function, &options)) return nullptr;
  return guarded([&] { return capsule_of(std::make_shared<ModelValue>(patched_model(*model_of(model), kind, function, options))).release(); });
}

PyObject* vae_info(PyObject*, PyObject* handle) {
  return guarded([&] {
    const VaeInfo info = held_in<Vae>(handle, "VAE")->info();
    return to_python(json::value(json::object{{"latent_channels", info.latent_channels}, {"downscale", info.downscale}, {"image_channels", info.image_channels}, {"architecture", info.architecture}})).release();
  });
}

PyObject* upscaler_info(PyObject*, PyObject* handle) {
  return guarded([&] {
    const auto model = std::dynamic_pointer_cast<const UpscaleModel>(object_of(handle));
    if (!model) throw InvalidInput("that is no UPSCALE_MODEL");
    const UpscalerInfo& info = model->info();
    return to_python(json::value(json::object{{"scale", info.scale}, {"in_channels", info.in_channels}, {"architecture", info.architecture}})).release();
  });
}

StateDict tensors_of(PyObject* dict) {
  StateDict tensors;
  PyObject *key = nullptr, *item = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &item);)
    if (PyUnicode_Check(key) && is_tensor(item)) tensors.emplace(text_of(key), tensor_from_python(item).contiguous());
  return tensors;
}

/// A LoRA that Python has read, on a model and a text encoder, each of which may be None: (MODEL, CLIP, keys that fit neither).
PyObject* model_lora(PyObject*, PyObject* args) {
  PyObject *model = nullptr, *clip = nullptr, *dict = nullptr;
  double model_strength = 0, clip_strength = 0;
  if (!PyArg_ParseTuple(args, "OOO!dd", &model, &clip, &PyDict_Type, &dict, &model_strength, &clip_strength)) return nullptr;
  return guarded([&] {
    const auto tensors = tensors_of(dict);
    LoraFile file;
    {
      const Unlocked unlocked;
      file = read_lora(tensors);
    }
    std::vector<std::string> used;
    Ref changed_model = Ref::share(Py_None), changed_clip = Ref::share(Py_None);
    if (model != Py_None) {
      auto held = model_of(model);
      auto targets = std::make_shared<const LoraTargets>(unet_targets(file, held->network->weights(), used));
      if (model_strength != 0 && !targets->weights.empty()) held = std::make_shared<const DiffusionModel>(held->with_weights(lora_patch(std::move(targets), model_strength)));
      changed_model = capsule_of(std::make_shared<ModelValue>(std::move(held)));
    }
    if (clip != Py_None) {
      auto held = held_in<Clip>(clip, "CLIP");
      auto targets = std::make_shared<const LoraTargets>(clip_targets(file, held->weight_names(), used));
      if (clip_strength != 0 && !targets->weights.empty()) held = held->with_patches(lora_patch(std::move(targets), clip_strength));
      changed_clip = capsule_of(std::make_shared<ClipValue>(std::move(held)));
    }
    const auto unused = file.deltas.size() - std::set<std::string>(used.begin(), used.end()).size();
    return Py_BuildValue("(OOn)", changed_model.get(), changed_clip.get(), static_cast<Py_ssize_t>(unused));
  });
}

/// A control on a picture [B,H,W,C], behind those that were applied before: what a conditioning's "control" is.
PyObject* control_copy(PyObject*, PyObject* args) {
  PyObject *control = nullptr, *hint = nullptr, *previous = nullptr;
  double strength = 1, start = 0, end = 1;
  if (!PyArg_ParseTuple(args, "OOdddO", &control, &hint, &strength, &start, &end, &previous)) return nullptr;
  return guarded([&] {
    const auto used = held_in<Control>(control, "CONTROL_NET");
    if (!is_tensor(hint)) throw InvalidInput("a control looks at a picture [B,H,W,C]");
    const auto picture = tensor_from_python(hint);
    if (picture.dim() != 4) throw InvalidInput("a control looks at a picture [B,H,W,C]");
    auto link = std::make_shared<ControlLink>(ControlLink{used->model, picture.movedim(-1, 1).contiguous(), strength, start, end, used->union_type, nullptr});
    if (previous != Py_None) link->previous = held_in<ControlLink>(previous, "control in use");
    return capsule_of(std::make_shared<darkroom::Held<ControlLink>>(std::move(link))).release();
  });
}

PyMethodDef methods[] = {{"model_info", model_info, METH_O, "model_info(model): what its names and shapes tell"},
                         {"model_sigmas", model_sigmas, METH_O, "model_sigmas(model): the schedule's table, rising"},
                         {"model_timestep", of_schedule<&ModelSampling::timestep>, METH_VARARGS, "model_timestep(model, sigma)"},
                         {"model_sigma", of_schedule<&ModelSampling::sigma>, METH_VARARGS, "model_sigma(model, timestep)"},
                         {"model_percent_to_sigma", of_schedule<&ModelSampling::percent_to_sigma>, METH_VARARGS, "model_percent_to_sigma(model, percent)"},
                         {"model_patch", patch, METH_VARARGS, "model_patch(model, kind, function, options): a changed MODEL"},
                         {"model_lora", model_lora, METH_VARARGS, "model_lora(model or None, clip or None, tensors, strength_model, strength_clip): (MODEL, CLIP, unused keys)"},
                         {"control_copy", control_copy, METH_VARARGS, "control_copy(control, picture, strength, start, end, previous or None)"},
                         {"vae_info", vae_info, METH_O, "vae_info(vae)"},
                         {"upscaler_info", upscaler_info, METH_O, "upscaler_info(model)"},
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyMethodDef* model_methods() { return methods; }

}  // namespace darkroom::py
