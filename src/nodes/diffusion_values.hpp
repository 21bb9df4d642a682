#pragma once
// MODEL, CLIP, VAE, CONDITIONING and the other values of diffusion graphs: handles of immutable things.

#include <memory>
#include <string>
#include <utility>

#include "diffusion/conditioning.hpp"
#include "worker/node.hpp"
#include "worker/value.hpp"

namespace darkroom {

class Clip;
class Vae;
struct DiffusionModel;

/// A shared immutable T as a value. What it says of itself is specialised in the file of T's loader.
template <class T>
struct Held final : Object {
  explicit Held(std::shared_ptr<const T> value) : held(std::move(value)) {}
  std::string describe() const override;
  std::size_t bytes() const override;
  std::shared_ptr<const T> held;
};

using ModelValue = Held<DiffusionModel>;
using ClipValue = Held<Clip>;
using VaeValue = Held<Vae>;
using ConditioningValue = Held<Conditioning>;

template <class T>
Value held_value(std::shared_ptr<const T> value) { return Value(std::make_shared<Held<T>>(std::move(value))); }
Value conditioning_value(Conditioning entries);
/// The entries of both, those of `first` first.
Value joined(Conditioning first, const Conditioning& second);
template <>
std::string ConditioningValue::describe() const;
template <>
std::size_t ConditioningValue::bytes() const;

/// The input as a CONDITIONING; throws InvalidInput otherwise.
const Conditioning& conditioning(const Inputs& in, std::string_view name);

}  // namespace darkroom
