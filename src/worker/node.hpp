#pragma once
// A node class: a schema and one `run`. This is all that a node's author has to know (docs/writing-nodes.md).

#include <concepts>
#include <functional>
#include <future>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "worker/device.hpp"
#include "worker/value.hpp"
#include "workflow/schema.hpp"

namespace at {
class Tensor;
}

namespace darkroom {

class Context;
class Folders;
struct LatentObject;

/// Thrown by Context::check() when the job was cancelled: ends the job with execution_interrupted. Nodes let it pass.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "Processing interrupted"; }
};

/// An error whose Python name clients know: TypeError for a missing argument, KeyError for a node that isn't there.
class NamedError : public InvalidInput {
 public:
  NamedError(std::string python_name, const std::string& text) : InvalidInput(text), python_name_(std::move(python_name)) {}
  const std::string& name() const { return python_name_; }

 private:
  std::string python_name_;
};

/// An exception of Python: its type's full name, and the traceback as Python prints it, line by line.
class TracedError : public NamedError {
 public:
  TracedError(std::string python_name, const std::string& text, std::vector<std::string> traceback) : NamedError(std::move(python_name), text), traceback_(std::move(traceback)) {}
  const std::vector<std::string>& traceback() const { return traceback_; }

 private:
  std::vector<std::string> traceback_;
};

/// Whom a message is for: the owner of the prompt, everybody, or the sockets of one client.
struct Audience {
  bool all = false;
  std::string sid = {};
  static Audience everybody() { return {.all = true}; }
};

/// The arguments of one call, by the names of the schema. A missing optional input is absent (the node's own default counts).
/// Getters throw InvalidInput that says which input is wrong.
class Inputs {
 public:
  void set(std::string name, Value value) { items_.emplace_back(std::move(name), std::move(value)); }
  const Value* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// Present and not None.
  bool given(std::string_view name) const { const Value* v = find(name); return v && !v->is_none(); }
  const Value& at(std::string_view name) const;
  const std::vector<std::pair<std::string, Value>>& all() const { return items_; }

  std::int64_t integer(std::string_view name) const;
  std::int64_t integer_or(std::string_view name, std::int64_t fallback) const;
  std::uint64_t seed(std::string_view name) const;
  double number(std::string_view name) const;
  double number_or(std::string_view name, double fallback) const;
  bool boolean(std::string_view name) const;
  bool boolean_or(std::string_view name, bool fallback) const;
  const std::string& text(std::string_view name) const;
  std::string text_or(std::string_view name, std::string_view fallback) const;
  const std::string& choice(std::string_view name) const { return text(name); }
  /// With `input_is_list()`: the whole list of an input.
  const List& list(std::string_view name) const;

  // Defined in worker/tensors.cpp; include worker/tensors.hpp to use the results.
  at::Tensor image(std::string_view name) const;  ///< IMAGE float32 [B,H,W,C]
  at::Tensor mask(std::string_view name) const;   ///< MASK float32 [B,H,W]; [H,W] is given a batch of one
  std::shared_ptr<const LatentObject> latent(std::string_view name) const;
  template <class T>
  std::shared_ptr<const T> object(std::string_view name) const {
    auto object = at(name).object<T>();
    if (!object) throw InvalidInput(std::string(name) + ": got " + at(name).type_name());
    return object;
  }

 private:
  std::vector<std::pair<std::string, Value>> items_;
};

/// A graph that a node turns into (protocol.md §6.10): nodes in API form with `override_display_id` where wanted.
/// Outputs::values of the same call may hold LinkValue: slots of made or outer nodes.
struct Expansion {
  json::object graph;
  /// What stands in the graph as `{"__held__": k}`: constants that JSON has no form for.
  std::vector<Value> held = {};
};

/// A slot value that stands for another node's output; only together with an expansion.
struct LinkValue final : Object {
  LinkValue(std::string node_id, std::int64_t slot_index) : node(std::move(node_id)), slot(slot_index) {}
  std::string describe() const override { return "['" + node + "', " + std::to_string(slot) + "]"; }
  std::size_t bytes() const override { return 0; }
  std::string node;
  std::int64_t slot;
};

/// What a call gives. `return {image, mask};`, `return Outputs().ui("images", list);`
struct Outputs {
  Outputs();
  Outputs(std::initializer_list<Value> slots);
  explicit Outputs(std::vector<Value> slots);
  Outputs(const Outputs&);
  Outputs(Outputs&&) noexcept;
  Outputs& operator=(const Outputs&);
  Outputs& operator=(Outputs&&) noexcept;
  ~Outputs();

  Outputs& show(std::string key, json::array list);

  std::vector<Value> values;
  std::optional<json::object> ui;          ///< ui data: {"images": [...]}; lists only
  std::optional<Expansion> expansion;
  std::optional<Blocker> block;            ///< all slots blocked
  std::shared_ptr<struct PendingOutputs> pending;  ///< set: an async call; the other fields come with its result
};

/// The result of an async call, later. The executor looks at it between other nodes; an exception in it fails the node.
struct PendingOutputs {
  std::future<Outputs> result;
};

/// One instance lives for as long as its id stays in the prompts (classic: between prompts too); calls come one at a time.
class Node {
 public:
  virtual ~Node() = default;
  virtual Outputs run(const Inputs& in, Context& context) = 0;
  /// check_lazy_status: names of inputs that are wanted now. Not-yet-known ones are None in `in`. Schema: lazy_check().
  virtual std::vector<std::string> wants(const Inputs& in) { (void)in; return {}; }
};

/// What a call may use of the world around it. Lives for one call; every function may be called from the execution thread,
/// and progress, send and check from the node's own threads as well.
class Context {
 public:
  virtual ~Context() = default;

  /// Throws Interrupted when the job was cancelled. Cheap: call it at each layer, tile or step.
  virtual void check() const = 0;
  /// One step of a progress bar: `value` of `max`. Checks for cancellation first, as ComfyUI's does.
  virtual void progress(std::int64_t value, std::int64_t max) = 0;
  /// The same with a preview picture, already encoded and fitted: `format` "JPEG" or "PNG".
  virtual void progress(std::int64_t value, std::int64_t max, std::string_view format, std::string picture) = 0;
  /// A text shown at the node (binary message 3) for the owner of the prompt.
  virtual void text(std::string_view text) = 0;
  /// A message of any type.
  virtual void send(std::string type, json::value data, Audience to = {}) = 0;
  /// A binary message with an integer event.
  virtual void send_binary(std::uint32_t event, std::string bytes, Audience to = {}) = 0;

  virtual const std::string& node_id() const = 0;      ///< UNIQUE_ID
  virtual const json::object& prompt() const = 0;      ///< PROMPT, as saved in pictures
  virtual const json::value& extra_pnginfo() const = 0;  ///< EXTRA_PNGINFO or null
  virtual const json::object& extra_data() const = 0;  ///< with the secrets that only nodes see
  virtual const Folders& folders() const = 0;
  virtual bool metadata_disabled() const = 0;          ///< --disable-metadata
  virtual const Device& device() const = 0;            ///< what networks compute on, and how exactly (--precision)
  virtual int call_index() const = 0;                  ///< k-th call of this node in list mapping
  /// Cancels the job, as a client's interruption does: check() throws from now on.
  virtual void interrupt() {}
  /// The nodes that others turned into so far: id -> {"node": as given, "parent", "display", "real"}. On the execution thread only.
  virtual json::object made_nodes() const { return {}; }
  /// Pictures of a sampler's steps: "none", "auto", "latent2rgb" or "taesd" (§6.9).
  virtual std::string_view preview_method() const { return "none"; }
  virtual int preview_size() const { return 512; }     ///< their longer side at most, in pixels (--preview-size)
  /// Something that outlives the call and is shared by all nodes of the worker, made at first use: model caches.
  virtual std::shared_ptr<void> shared(const std::string& key, const std::function<std::shared_ptr<void>()>& make) = 0;
};

/// Made before keys are computed: what changes when a file changes. Null: no mark; a NaN double: never equal.
using Fingerprint = std::function<json::value(const Inputs& constants, const Folders& folders)>;
/// A class's own validator: true for fine, else false or a text. `types` holds received types of linked inputs.
using Validator = std::function<json::value(const Inputs& in, const json::object& types)>;

struct NodeClass {
  NodeClass();
  NodeClass(const NodeClass&);
  NodeClass(NodeClass&&) noexcept;
  NodeClass& operator=(const NodeClass&);
  NodeClass& operator=(NodeClass&&) noexcept;
  ~NodeClass();

  NodeSchema schema;
  std::function<std::unique_ptr<Node>()> make;
  Fingerprint fingerprint;
  Validator validate;
  bool is_async = false;          ///< its calls may give `pending`: such nodes are started early (protocol.md §6.2)
  bool takes_any_input = false;   ///< links that the schema doesn't name are passed on (**kwargs); else they are a TypeError
  bool takes_any_constant = false;  ///< and constants too: the class's inputs say of every name that it is among them
  std::function<NodeSchema()> schema_now;  ///< what its schema is at this moment, for classes that may change it; from any thread
  bool makes_network = false;     ///< an output's values are networks; set by the registry
};

/// Immutable once it is registered.
using NodeClassPtr = std::shared_ptr<const NodeClass>;

/// The node classes of a worker.
class Registry {
 public:
  /// Adds class T: `T::schema()`, and where T has them `T::fingerprint(constants, folders)`, `T::validate(in, types)`
  /// and the constants `T::kAsync` and `T::kTakesAnyInput`.
  template <class T>
    requires std::derived_from<T, Node>
  void add() {
    NodeClass entry;
    entry.schema = T::schema();
    entry.make = &made<T>;  // no closure: std::function would be compiled anew for each class
    if constexpr (requires(const Inputs& in, const Folders& folders) { T::fingerprint(in, folders); }) {
      entry.fingerprint = [](const Inputs& in, const Folders& folders) { return T::fingerprint(in, folders); };
      entry.schema.fingerprinted();
    }
    if constexpr (requires(const Inputs& in, const json::object& types) { T::validate(in, types); })
      entry.validate = [](const Inputs& in, const json::object& types) { return T::validate(in, types); };
    if constexpr (requires { T::kAsync; }) entry.is_async = T::kAsync;
    if constexpr (requires { T::kTakesAnyInput; }) entry.takes_any_input = T::kTakesAnyInput;
    add(std::move(entry));
  }
  void add(NodeClass entry);  ///< sets its makes_network; one of the same name gives way
  /// The class has another schema from now on; who holds the one before keeps it. From any thread, as are those below.
  void change(const NodeSchema& schema);
  NodeClassPtr find(std::string_view node_class) const;
  SchemaSet schemas() const;

  /// What packs make of the body of a POST /prompt before it is judged (protocol.md §11.3); none: nobody wants to. Null: the request is lost.
  std::function<json::value(const json::value& body)> prompt_hook;
  /// Told to packs, on the execution thread, before a job whose files lie elsewhere than those of the one before.
  std::function<void(const Folders& folders)> on_folders;

 private:
  template <class T>
  static std::unique_ptr<Node> made() {
    return std::make_unique<T>();
  }

  mutable std::mutex mutex_;
  std::vector<NodeClassPtr> order_;
  std::unordered_map<std::string, std::size_t> index_;  ///< into order_
};

}  // namespace darkroom
