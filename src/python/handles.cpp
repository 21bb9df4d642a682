#include "python/handles.hpp"

#include "diffusion/gligen.hpp"
#include "diffusion/guider.hpp"
#include "nodes/diffusion/control_values.hpp"
#include "nodes/diffusion/custom_sampling.hpp"
#include "nodes/diffusion/hook_values.hpp"
#include "nodes/diffusion/vision_values.hpp"
#include "nodes/diffusion_values.hpp"
#include "nodes/latent_operations.hpp"
#include "nodes/upscale_model.hpp"
#include "python/errors.hpp"
#include "python/host.hpp"

namespace darkroom::py {
namespace {

constexpr const char* kCapsule = "darkroom.object";
constexpr const char* kWeakCapsule = "darkroom.weak_object";

using Held = std::shared_ptr<const Object>;
using Known = std::weak_ptr<const Object>;

void drop(PyObject* capsule) { delete static_cast<Held*>(PyCapsule_GetPointer(capsule, kCapsule)); }
void drop_weak(PyObject* capsule) { delete static_cast<Known*>(PyCapsule_GetPointer(capsule, kWeakCapsule)); }

template <class T>
bool is(const Object& object) {
  return dynamic_cast<const T*>(&object) != nullptr;
}

/// The type of the socket that it flows through.
const char* kind_of(const Object& object) {
  struct Kind {
    bool (*is)(const Object&);
    const char* name;
  };
  static constexpr Kind kKinds[] = {{is<ModelValue>, "MODEL"},
                                    {is<ClipValue>, "CLIP"},
                                    {is<VaeValue>, "VAE"},
                                    {is<ControlValue>, "CONTROL_NET"},
                                    {is<ClipVisionValue>, "CLIP_VISION"},
                                    {is<EncodedPictureValue>, "CLIP_VISION_OUTPUT"},
                                    {is<StyleModelValue>, "STYLE_MODEL"},
                                    {is<darkroom::Held<Gligen>>, "GLIGEN"},
                                    {is<UpscaleModel>, "UPSCALE_MODEL"},
                                    {is<SamplerValue>, "SAMPLER"},
                                    {is<darkroom::Held<Guider>>, "GUIDER"},
                                    {is<NoiseValue>, "NOISE"},
                                    {is<HooksValue>, "HOOKS"},
                                    {is<HookKeyframesValue>, "HOOK_KEYFRAMES"},
                                    {is<LatentOperation>, "LATENT_OPERATION"}};
  for (const auto& kind : kKinds)
    if (kind.is(object)) return kind.name;
  return "OTHER";
}

}  // namespace

Ref capsule_of(Held object) {
  auto held = std::make_unique<Held>(std::move(object));
  Ref capsule = checked(PyCapsule_New(held.get(), kCapsule, drop));
  held.release();
  return capsule;
}

Ref weak_capsule_of(const Held& object) {
  auto known = std::make_unique<Known>(object);
  Ref capsule = checked(PyCapsule_New(known.get(), kWeakCapsule, drop_weak));
  known.release();
  return capsule;
}

Held object_of_weak(PyObject* weak) {
  return PyCapsule_IsValid(weak, kWeakCapsule) ? static_cast<Known*>(PyCapsule_GetPointer(weak, kWeakCapsule))->lock() : nullptr;
}

Ref handle_of(Held object) {
  const char* kind = kind_of(*object);
  return checked(PyObject_CallMethod(host_module(), "handle", "sO", kind, capsule_of(std::move(object)).get()));
}

Held object_of(PyObject* handle) {
  if (PyCapsule_IsValid(handle, kCapsule)) return *static_cast<Held*>(PyCapsule_GetPointer(handle, kCapsule));
  const int is_handle = PyObject_IsInstance(handle, handle_type());
  if (is_handle < 0) PyErr_Clear();  // an object that can't say what it is
  if (is_handle != 1) return nullptr;
  const Ref capsule = checked(PyObject_GetAttrString(handle, "capsule"));
  if (!PyCapsule_IsValid(capsule.get(), kCapsule)) return nullptr;
  return *static_cast<Held*>(PyCapsule_GetPointer(capsule.get(), kCapsule));
}

}  // namespace darkroom::py
