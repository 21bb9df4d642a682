#include "python/callback.hpp"

#include "base/error.hpp"
#include "python/calls.hpp"

namespace darkroom::py {
namespace {

constexpr const char* kCapsule = "darkroom.lent";

LentFunction::Work* work_in(PyObject* capsule) { return static_cast<LentFunction::Work*>(PyCapsule_GetPointer(capsule, kCapsule)); }

PyObject* call(PyObject* capsule, PyObject* arguments) {
  return guarded([&] {
    const auto& work = *work_in(capsule);
    if (!work) throw InvalidInput("this function could be called while the one that it was given to ran, and not later");
    return work(arguments).release();
  });
}

PyMethodDef definition = {"lent", call, METH_VARARGS, "A function of the worker, for as long as the call lasts that it was given to."};

}  // namespace

LentFunction::LentFunction(Work work) {
  auto held = std::make_unique<Work>(std::move(work));
  capsule_ = checked(PyCapsule_New(held.get(), kCapsule, [](PyObject* capsule) { delete work_in(capsule); }));
  held.release();
  function_ = checked(PyCFunction_New(&definition, capsule_.get()));
}

LentFunction::~LentFunction() { *work_in(capsule_.get()) = nullptr; }

}  // namespace darkroom::py
