// Runs of samplers for Python, and their parts where Python makes them: guiders, noise, samplers.

#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>

#include "base/error.hpp"
#include "diffusion/guider.hpp"
#include "diffusion/noise.hpp"
#include "diffusion/predictor.hpp"
#include "diffusion/prepared_conditioning.hpp"
#include "diffusion/sample.hpp"
#include "nodes/diffusion/custom_sampling.hpp"
#include "nodes/model_files.hpp"
#include "python/callback.hpp"
#include "python/calls.hpp"
#include "python/conditionings.hpp"
#include "python/engine.hpp"
#include "python/engine_values.hpp"
#include "python/errors.hpp"
#include "python/values.hpp"
#include "worker/tensors.hpp"

namespace darkroom::py {
namespace {

at::Tensor tensor_of(PyObject* object, const char* what) {
  if (!is_tensor(object)) throw NamedError("TypeError", std::string(what) + " has to be a tensor, not " + Py_TYPE(object)->tp_name);
  return tensor_from_python(object);
}

std::vector<float> numbers_of(PyObject* object, const char* what) {
  const auto flat = tensor_of(object, what).to(at::kCPU, at::kFloat).contiguous();
  return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

/// On the CPU, where native latents are, and Python's to change.
at::Tensor own_copy(const at::Tensor& tensor) { return tensor.is_cpu() ? tensor.clone() : tensor.cpu(); }

Ref number(double value) { return checked(PyFloat_FromDouble(value)); }

/// An empty list is a conditioning, too.
Conditioning conditioning_in(PyObject* list) {
  if (PyList_Check(list) && PyList_GET_SIZE(list) == 0) return {};
  auto entries = conditioning_of(list);
  if (!entries) throw InvalidInput("that is no CONDITIONING: it has to be a list of [tensor, dict]");
  return std::move(*entries);
}

/// The denoised latent of one list, asked of a run's predictions.
Ref predicted(Predictions& predictions, std::size_t lists, PyObject* arguments) {
  Py_ssize_t list = 0;
  PyObject* x = nullptr;
  double sigma = 0;
  if (!PyArg_ParseTuple(arguments, "nOd", &list, &x, &sigma)) throw_raised();
  if (list < 0 || static_cast<std::size_t>(list) >= lists) throw InvalidInput("this run has no such conditioning");
  const auto latent = tensor_of(x, "x");
  std::vector<bool> wanted(lists, false);
  wanted[static_cast<std::size_t>(list)] = true;
  at::Tensor result;
  {
    const Unlocked unlocked;
    result = predictions.predict(wanted, latent, sigma, nullptr)[static_cast<std::size_t>(list)];
  }
  return tensor_to_python(result);
}

/// A guider whose formula is Python's.
class PythonGuider final : public Guider {
 public:
  PythonGuider(std::shared_ptr<const DiffusionModel> model, std::vector<Conditioning> lists, Callback function) : Guider(std::move(model), std::move(lists)), function_(std::move(function)) {}
  Denoiser::Result denoise(Predictions& predictions, const at::Tensor& x, double sigma, bool) const override {
    const Gil gil;
    const LentFunction predict([&](PyObject* arguments) { return predicted(predictions, lists().size(), arguments); });
    const Ref result = function_(predict, tensor_to_python(x.clone()), number(sigma));
    return {tensor_of(result.get(), "what a guider returns"), {}};
  }

 private:
  Callback function_;
};

class PythonNoise final : public NoiseSource {
 public:
  PythonNoise(Callback function, std::uint64_t seed) : function_(std::move(function)), seed_(seed) {}
  std::uint64_t seed() const override { return seed_; }
  at::Tensor noise(at::IntArrayRef shape, const std::optional<std::vector<std::int64_t>>& batch_index) const override {
    LatentObject latent;
    latent.samples = at::zeros(shape, at::kFloat);
    latent.batch_index = batch_index;
    const Gil gil;
    return tensor_of(function_(to_python(latent_value(std::move(latent)))).get(), "noise");
  }

 private:
  Callback function_;
  std::uint64_t seed_;
};

PyObject* python_guider(PyObject*, PyObject* args) {
  PyObject *model = nullptr, *lists = nullptr, *function = nullptr;
  if (!PyArg_ParseTuple(args, "OO!O", &model, &PyList_Type, &lists, &function)) return nullptr;
  return guarded([&] {
    std::vector<Conditioning> conditionings;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(lists); ++i) conditionings.push_back(conditioning_in(PyList_GET_ITEM(lists, i)));
    const std::shared_ptr<const Guider> guider = std::make_shared<PythonGuider>(model_of(model), std::move(conditionings), Callback(function));
    return capsule_of(std::make_shared<darkroom::Held<Guider>>(guider)).release();
  });
}

PyObject* python_noise(PyObject*, PyObject* args) {
  PyObject* function = nullptr;
  unsigned long long seed = 0;
  if (!PyArg_ParseTuple(args, "OK", &function, &seed)) return nullptr;
  return guarded([&] {
    const std::shared_ptr<const NoiseSource> noise = std::make_shared<PythonNoise>(Callback(function), seed);
    return capsule_of(std::make_shared<NoiseValue>(noise)).release();
  });
}

PyObject* noise_generate(PyObject*, PyObject* args) {
  PyObject *noise = nullptr, *given = nullptr;
  if (!PyArg_ParseTuple(args, "OO", &noise, &given)) return nullptr;
  return guarded([&] {
    const auto source = held_in<NoiseSource>(noise, "NOISE");
    const auto latent = from_python(given).object<LatentObject>();
    if (!latent) throw InvalidInput("noise is made for a LATENT");
    at::Tensor made;
    {
      const Unlocked unlocked;
      made = source->noise(latent->samples.sizes(), latent->batch_index);
    }
    return tensor_to_python(made).release();
  });
}

PyObject* noise_seed(PyObject*, PyObject* noise) {
  return guarded([&] { return PyLong_FromUnsignedLongLong(held_in<NoiseSource>(noise, "NOISE")->seed()); });
}

PyObject* python_sampler(PyObject*, PyObject* function) {
  return guarded([&] {
    Sampler sampler{"python", {}};
    sampler.own = [callback = Callback(function)](Denoiser& model, at::Tensor x, const std::vector<float>& sigmas, const SamplerRun& run) {
      const Gil gil;
      const LentFunction denoise([&](PyObject* arguments) {
        PyObject* at = nullptr;
        double sigma = 0;
        if (!PyArg_ParseTuple(arguments, "Od", &at, &sigma)) throw_raised();
        const auto latent = tensor_of(at, "x");
        at::Tensor result;
        {
          const Unlocked unlocked;
          if (run.check) run.check();
          result = model(latent, sigma);
        }
        return tensor_to_python(result);
      });
      const Ref result = callback(denoise, tensor_to_python(x), to_python(sigmas_value(sigmas)));
      return tensor_of(result.get(), "what a sampler returns");
    };
    return capsule_of(std::make_shared<SamplerValue>(std::make_shared<const Sampler>(std::move(sampler)))).release();
  });
}

/// A run: the latent that comes out, as a VAE takes it.
PyObject* guider_sample(PyObject*, PyObject* args) {
  long call = 0;
  PyObject *guider = nullptr, *noise = nullptr, *latent = nullptr, *sampler = nullptr, *sigmas = nullptr, *mask = nullptr, *callback = nullptr;
  unsigned long long seed = 0;
  if (!PyArg_ParseTuple(args, "lOOOOOOOK", &call, &guider, &noise, &latent, &sampler, &sigmas, &mask, &callback, &seed)) return nullptr;
  return guarded([&] {
    const auto held = held_in<Guider>(guider, "GUIDER");
    SampleRequest request{.guider = *held, .sampler = *held_in<Sampler>(sampler, "SAMPLER"), .sigmas = numbers_of(sigmas, "sigmas"), .latent = tensor_of(latent, "the latent"),
                          .noise = tensor_of(noise, "the noise"), .noise_mask = std::nullopt, .seed = seed};
    if (mask != Py_None) request.noise_mask = tensor_of(mask, "the mask");
    const std::optional<Callback> told = callback == Py_None ? std::nullopt : std::optional<Callback>(callback);
    SampleWatch watch;
    if (told)
      watch.on_step = [&](std::int64_t done, std::int64_t total, const at::Tensor& denoised, const at::Tensor& x) {
        const Gil gil;
        (*told)(checked(PyLong_FromLongLong(done - 1)), tensor_to_python(own_copy(denoised)), tensor_to_python(own_copy(x)), checked(PyLong_FromLongLong(total)));
      };
    Sampled sampled;
    const auto run = [&](Context& context) {
      const c10::InferenceMode no_gradients;
      watch.check = [&] { context.check(); };
      watch.free_bytes = memory_left(context);
      sampled = sample(request, watch);
    };
    if (!through_call(call, run)) throw InvalidInput("a sampler can run while a prompt does, and none does");
    return tensor_to_python(sampled.samples).release();
  });
}

/// The denoised latent of x [B,C,h,w], scaled as in the sampler.
PyObject* model_predict(PyObject*, PyObject* args) {
  long call = 0;
  PyObject *model = nullptr, *x = nullptr, *list = nullptr;
  double sigma = 0;
  if (!PyArg_ParseTuple(args, "lOOdO", &call, &model, &x, &sigma, &list)) return nullptr;
  return guarded([&] {
    const auto held = model_of(model);
    const auto latent = tensor_of(x, "x").to(at::kFloat);
    const auto conditioning = conditioning_in(list);
    const std::vector<float> schedule{static_cast<float>(sigma), 0};
    at::Tensor result;
    const auto run = [&](Context& context) {
      const c10::InferenceMode no_gradients;
      const std::optional<at::Tensor> no_mask;
      Predictor predictor(*held, prepare_conditioning(*held, {conditioning}, {latent, no_mask}), schedule,
                          {[&] { context.check(); }, memory_left(context)});
      result = predictor.predict({true}, latent, sigma, nullptr)[0];
    };
    if (!through_call(call, run)) throw InvalidInput("a model can be asked while a prompt runs, and none does");
    return tensor_to_python(result).release();
  });
}

PyMethodDef methods[] = {
    {"guider_sample", guider_sample, METH_VARARGS, "guider_sample(call, guider, noise, latent, sampler, sigmas, mask or None, callback(step, denoised, x, steps) or None, seed): latent"},
    {"python_guider", python_guider, METH_VARARGS, "python_guider(model, conditionings, function(predict, x, sigma)): GUIDER; predict(list, x, sigma)"},
    {"python_noise", python_noise, METH_VARARGS, "python_noise(function(latent), seed): NOISE"},
    {"python_sampler", python_sampler, METH_O, "python_sampler(function(model, x, sigmas)): SAMPLER; model(x, sigma)"},
    {"noise_generate", noise_generate, METH_VARARGS, "noise_generate(noise, latent): tensor"},
    {"noise_seed", noise_seed, METH_O, "noise_seed(noise)"},
    {"model_predict", model_predict, METH_VARARGS, "model_predict(call, model, x, sigma, conditioning): denoised latent"},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

PyMethodDef* sampling_methods() { return methods; }

}  // namespace darkroom::py
