#include "tensor/checkpoint.hpp"

#include <ATen/ops/as_strided.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"
#include "tensor/safetensors.hpp"
#include "tensor/zip.hpp"

namespace darkroom {
namespace {

using Kind = PickleValue::Kind;

/// Limit: elements of a tensor in a weights file that repeats a smaller storage. Beyond: the file is refused. Fixed: what a few bytes may
/// grow to in memory. Edge: Checkpoint.ARepeatedStorageHasALimit.
constexpr std::int64_t kMaxExpanded = 1 << 24;
/// Limit: data.pkl of a .pth or .ckpt file, bytes. Beyond: the file is refused. Fixed: it holds names and shapes only. Edge:
/// Checkpoint.ADescriptionHasALimit.
constexpr std::size_t kMaxPickle = 256u << 20;

// torch.save of before 1.6: this number, then the protocol version 1001.
constexpr std::string_view kLegacyMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr std::int64_t kLegacyProtocol = 1001;

std::string name_of(const MappedFile& file) { return file.path().filename().string() + ": "; }

const PickleValue& unwrap(const PickleValue& root) {
  constexpr std::array kWrappers = {"model_state_dict", "state_dict", "params_ema", "params-ema", "params", "model", "net"};
  const auto* dict = &root;
  for (const char* key : kWrappers) {
    const auto* inner = dict->find(key);
    if (inner && inner->kind == Kind::kDict) {
      dict = inner;
      break;
    }
  }
  if (dict->kind == Kind::kDict && dict->items.size() == 2 && dict->items[1]->kind == Kind::kDict) dict = dict->items[1];
  return *dict;
}

void strip_prefix(StateDict& weights, std::string_view prefix) {
  if (weights.empty() || !std::all_of(weights.begin(), weights.end(), [&](const auto& entry) { return entry.first.starts_with(prefix); })) return;
  StateDict renamed;
  for (auto& [name, tensor] : weights) renamed.emplace(name.substr(prefix.size()), std::move(tensor));
  weights = std::move(renamed);
}

StateDict weights_of(const TorchFile& file, const std::string& where) {
  const auto& dict = unwrap(file.root());
  if (dict.kind != Kind::kDict) throw InvalidInput(where + "it holds no dict of tensors");
  StateDict weights;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const auto &key = *dict.items[i], &value = *dict.items[i + 1];
    if (key.kind == Kind::kText && value.kind == Kind::kTensor) weights.insert_or_assign(key.text, file.tensor(value));
  }
  return weights;
}

}  // namespace

TorchFile TorchFile::open(const std::shared_ptr<const MappedFile>& file) {
  TorchFile result;
  result.file_ = file;
  try {
    if (file->bytes().starts_with("PK")) result.read_zip();
    else result.read_legacy();
  } catch (const TooLarge& error) {
    throw TooLarge(name_of(*file) + error.what());
  } catch (const Error& error) {
    throw InvalidInput(name_of(*file) + error.what());
  }
  return result;
}

void TorchFile::read_zip() {
  const auto entries = read_zip_directory(file_->bytes());
  const auto pickle = std::find_if(entries.begin(), entries.end(), [](const ZipEntry& entry) { return entry.name.ends_with("/data.pkl"); });
  if (pickle == entries.end()) throw InvalidInput("a zip file, but not one that torch.save wrote (no data.pkl)");
  const std::string folder = pickle->name.substr(0, pickle->name.size() - std::strlen("data.pkl"));
  for (const auto& entry : entries) {
    if (entry.name == folder + "byteorder" && file_->bytes().substr(entry.offset, entry.size) != "little")
      throw InvalidInput("it was written on a big-endian machine");
    if (entry.name.starts_with(folder + "data/")) extents_[entry.name.substr(folder.size() + 5)] = {entry.offset, entry.size};
  }
  if (pickle->size > kMaxPickle) throw TooLarge("its data.pkl has " + std::to_string(pickle->size) + " bytes");
  machine_ = std::make_shared<Unpickler>(file_->bytes().substr(pickle->offset, pickle->size));
  root_ = &machine_->load();
}

void TorchFile::read_legacy() {
  const auto bytes = file_->bytes();
  if (bytes.empty() || static_cast<unsigned char>(bytes[0]) != 0x80) throw InvalidInput("neither a safetensors file nor one that torch.save wrote");
  machine_ = std::make_shared<Unpickler>(bytes);
  const auto& magic = machine_->load();
  if (magic.kind != Kind::kBigInt || magic.text != kLegacyMagic) throw InvalidInput("a pickle, but not one that torch.save wrote");
  if (const auto& version = machine_->load(); version.kind != Kind::kInt || version.integer != kLegacyProtocol)
    throw InvalidInput("an unknown version of torch's old format");
  const auto& system = machine_->load();
  if (const auto* little = system.find("little_endian"); !little || little->kind != Kind::kBool || !little->integer)
    throw InvalidInput("it was written on a big-endian machine");
  root_ = &machine_->load();
  const auto& keys = machine_->load();
  if (keys.kind != Kind::kList) throw InvalidInput("its list of storages is missing");

  std::size_t at = machine_->position();
  for (const auto* key : keys.items) {
    const auto known = key->kind == Kind::kText ? machine_->storages().find(key->text) : machine_->storages().end();
    if (known == machine_->storages().end()) throw InvalidInput("it lists a storage that no tensor uses");
    std::int64_t count = 0, length = 0;
    if (bytes.size() - at < sizeof(count)) throw InvalidInput("cut short");
    std::memcpy(&count, bytes.data() + at, sizeof(count));
    at += sizeof(count);
    if (count < 0 || __builtin_mul_overflow(count, static_cast<std::int64_t>(c10::elementSize(known->second.dtype)), &length) ||
        static_cast<std::size_t>(length) > bytes.size() - at)
      throw InvalidInput("cut short");
    extents_[key->text] = {at, static_cast<std::size_t>(length)};
    at += static_cast<std::size_t>(length);
  }
}

at::Tensor TorchFile::tensor(const PickleValue& value) const {
  const auto& spec = *value.tensor;
  const auto fault = [&](const char* what) -> InvalidInput { return InvalidInput(name_of(*file_) + "a tensor " + what); };
  const auto extent = extents_.find(spec.storage.key);
  if (extent == extents_.end()) throw fault("whose data is missing");
  const auto item = static_cast<std::int64_t>(c10::elementSize(spec.storage.dtype));
  const auto available = static_cast<std::int64_t>(extent->second.bytes) / item;
  std::int64_t end_of_storage = 0;
  if (__builtin_add_overflow(spec.storage.offset, spec.storage.numel, &end_of_storage) || end_of_storage > available) throw fault("whose storage is cut short");

  const auto numel = checked_numel(spec.sizes);
  if (!numel || spec.offset < 0) throw fault("with an impossible size");
  if (*numel == 0) return tensor_in(file_, 0, spec.sizes, spec.storage.dtype);
  std::int64_t last = spec.offset;
  for (std::size_t i = 0; i < spec.sizes.size(); ++i) {
    std::int64_t reach = 0;
    if (spec.strides[i] < 0 || __builtin_mul_overflow(spec.sizes[i] - 1, spec.strides[i], &reach) || __builtin_add_overflow(last, reach, &last))
      throw fault("with an impossible stride");
  }
  if (last >= spec.storage.numel) throw fault("that goes beyond its storage");
  if (*numel > std::max(spec.storage.numel, kMaxExpanded)) throw fault("that repeats its storage too often");
  const auto storage = tensor_in(file_, extent->second.offset + static_cast<std::size_t>(spec.storage.offset * item), {spec.storage.numel}, spec.storage.dtype);
  return at::as_strided(storage, spec.sizes, spec.strides, spec.offset);
}

StateDict load_checkpoint(const std::filesystem::path& path) {
  const auto extension = lower(path.extension().string());
  const auto file = MappedFile::open(path);
  StateDict weights;
  if (extension == ".safetensors" || extension == ".sft" || looks_like_safetensors(file->bytes())) {
    weights = read_safetensors(path).tensors;
  } else {
    weights = weights_of(TorchFile::open(file), name_of(*file));
  }
  strip_prefix(weights, "module.");
  strip_prefix(weights, "netG.");
  if (weights.empty()) throw InvalidInput(name_of(*file) + "it holds no tensors");
  return weights;
}

}  // namespace darkroom
