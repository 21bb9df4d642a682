#pragma once
// What a node class says of itself, as data: the builder that node classes use, the /object_info form that clients read,
// and the wire form in which a worker tells it to the gateway. Nothing here knows a node by name.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"

namespace darkroom {

/// The two forms of /object_info (protocol.md §10.1, §10.2). They differ in keys and in how hidden inputs are written.
enum class Form { kV1, kV3 };

enum class Section { kRequired, kOptional, kHidden };

/// Where a list of choices comes from when it isn't fixed. The gateway reads the folder; workers never list files.
struct ListSource {
  enum class Kind {
    kFixed,
    kInputFiles,  ///< files of the input folder; argument: content types wanted, "image", "image,video"; ".latent": an ending; "" all files
    kModels,      ///< argument: a model folder, "upscale_models"
  };
  Kind kind = Kind::kFixed;
  std::string argument;
};

/// One declared input. `[type, options]` in /object_info, or `[[choices], options]` in the old form of a choice.
struct InputSpec {
  std::string name;
  Section section = Section::kRequired;
  std::string type;          ///< "INT", "IMAGE", "COMBO", "A,B", "*"; for a hidden input its kind, "UNIQUE_ID"
  bool old_choices = false;  ///< the type is shown as the list of choices itself (V1); `type` is then "COMBO"
  bool bare = false;         ///< shown as `[type]` without an options object (V1 only)
  json::array choices;       ///< of a COMBO with a fixed list
  json::object options;      ///< as shown, in order; a new-form COMBO holds its place for "options"
  ListSource source;
  bool must_exist = false;   ///< the value names an annotated file that has to be there; its list is not enforced

  bool lazy() const { return bool_or(options, "lazy", false); }
  bool is_choice() const { return type == "COMBO"; }
};

struct OutputSpec {
  std::string type;
  std::string name;  ///< what is shown; the type when empty
  bool is_list = false;
  bool list_unsaid = false;  ///< `output_is_list` shows null: some of ComfyUI's classes leave it so; counts as false
  std::string tooltip;
  std::string matchtype;             ///< template id of a COMFY_MATCHTYPE_V3 output
  json::array choices;               ///< of an old-form choice output; then shown as this list
};

/// What a class's own validator wants (VALIDATE_INPUTS / validate_inputs). Answered by a worker, see messages/asks.hpp.
struct ValidatorSpec {
  std::vector<std::string> names;  ///< inputs that it takes by name
  bool takes_all = false;          ///< **kwargs: gets every input
  bool takes_types = false;        ///< wants `input_types`; link types are then not checked by the gateway
  bool has_default(std::string_view name) const;
  std::vector<std::string> defaults;  ///< names among `names` that may be absent
};

// ---- types of inputs and outputs, as written in a node's schema --------------------------------------------------
// Every field that is left out is left out of /object_info too. Options follow ComfyUI's names.

struct Common {
  std::string tooltip;
  bool lazy = false;
  bool bare = false;            ///< V1: `["IMAGE"]` rather than `["IMAGE", {}]`
  json::object extra;           ///< further options, in order, before the default
};

struct Int {
  json::value value, min, max, step;  ///< null: left out
  std::string display;                ///< "slider", "number"
  bool control_after_generate = false;
  bool force_input = false;
  Common common;
};
struct Float {
  json::value value, min, max, step, round;
  std::string display;
  bool force_input = false;
  Common common;
};
struct String {
  json::value value;
  std::optional<bool> multiline;  ///< V3 always shows it
  bool force_input = false;
  Common common;
};
struct Boolean {
  json::value value;
  std::string label_on, label_off;
  Common common;
};
/// A choice. V3: `["COMBO", {multiselect, options}]`; V1: `[[...], {...}]`, or the new form with `new_form`.
struct Combo {
  std::vector<std::string> choices;
  json::value value;
  ListSource source;
  bool must_exist = false;
  bool new_form = false;
  Common common;
  Combo() = default;
  Combo(std::initializer_list<const char*> list) : choices(list.begin(), list.end()) {}
  Combo(std::vector<std::string> list, json::value chosen) : choices(std::move(list)), value(std::move(chosen)) {}
};
/// A choice among files: `Files{"image"}` of the input folder, `Models{"upscale_models"}`.
Combo files(std::string content_types);
Combo models(std::string folder);

/// Any socket type by its name: `Socket{"IMAGE"}`, `Socket{"IMAGE,MASK"}`, `Socket{"*"}`.
struct Socket {
  std::string type;
  Common common;
};
struct Image { Common common; };
struct Mask { Common common; };
struct Latent { Common common; };
struct Any { Common common; };
/// COMFY_MATCHTYPE_V3: inputs and outputs of one template id have one type.
struct MatchType {
  std::string template_id;
  std::string allowed_types = "*";
  Common common;
};
/// COMFY_AUTOGROW_V3 with `template.prefix`: `images.image0`, `images.image1`, ...
struct Autogrow {
  std::string member;  ///< name of the template's input
  Socket of;
  std::string prefix;
  int min = 1, max = 10;
};
/// COMFY_DYNAMICCOMBO_V3: each key brings inputs of its own, written `name.input` in a prompt.
struct DynamicCombo {
  struct Option {
    std::string key;
    std::vector<InputSpec> inputs;
  };
  std::vector<Option> options;
};

/// Builds one input; a DynamicCombo's options use it as NodeSchema does.
InputSpec make_input(Form form, std::string name, const Int& type);
InputSpec make_input(Form form, std::string name, const Float& type);
InputSpec make_input(Form form, std::string name, const String& type);
InputSpec make_input(Form form, std::string name, const Boolean& type);
InputSpec make_input(Form form, std::string name, const Combo& type);
InputSpec make_input(Form form, std::string name, const Socket& type);
InputSpec make_input(Form form, std::string name, const MatchType& type);
InputSpec make_input(Form form, std::string name, const Autogrow& type);
InputSpec make_input(Form form, std::string name, const DynamicCombo& type);
inline InputSpec make_input(Form form, std::string name, const Image& type) { return make_input(form, std::move(name), Socket{"IMAGE", type.common}); }
inline InputSpec make_input(Form form, std::string name, const Mask& type) { return make_input(form, std::move(name), Socket{"MASK", type.common}); }
inline InputSpec make_input(Form form, std::string name, const Latent& type) { return make_input(form, std::move(name), Socket{"LATENT", type.common}); }
inline InputSpec make_input(Form form, std::string name, const Any& type) { return make_input(form, std::move(name), Socket{"*", type.common}); }

/// Gives the current choices of a source. The gateway's reads folders; tests give fixed lists.
class ChoiceLists {
 public:
  virtual ~ChoiceLists() = default;
  virtual std::vector<std::string> list(const ListSource& source) = 0;
  /// Is there a file of this annotated name (`pic.png`, `sub/pic.png [output]`)?
  virtual bool file_exists(std::string_view annotated_name) = 0;
  /// Is `value` good although it isn't listed (another name of something that is)?
  virtual bool accepts_unlisted(const ListSource&, std::string_view) { return false; }
};

class NodeSchema {
 public:
  // What is written in schema_builder.cpp, here and below, is so for the compiler's time: every file of nodes would make it anew.
  NodeSchema();
  NodeSchema(std::string node_class, Form form);
  NodeSchema(const NodeSchema&);
  NodeSchema(NodeSchema&&) noexcept;
  NodeSchema& operator=(const NodeSchema&);
  NodeSchema& operator=(NodeSchema&&) noexcept;
  ~NodeSchema();

  // -- building, in any order
  NodeSchema& module(std::string python_module) { module_ = std::move(python_module); return *this; }
  NodeSchema& category(std::string path) { category_ = std::move(path); return *this; }
  NodeSchema& display_name(std::string name) { display_name_ = std::move(name); return *this; }
  NodeSchema& description(std::string text) { description_ = std::move(text); return *this; }
  /// `Type`: one of those above.
  template <class Type>
  NodeSchema& input(std::string name, const Type& type);
  NodeSchema& input(std::string name, InputSpec spec);
  template <class Type>
  NodeSchema& optional(std::string name, const Type& type);
  /// `kind`: PROMPT, EXTRA_PNGINFO, UNIQUE_ID, DYNPROMPT, ...
  NodeSchema& hidden(std::string name, std::string kind);
  /// Type by name; `name` is what clients show when it is not the type.
  NodeSchema& output(std::string type, std::string name = "", bool is_list = false, std::string tooltip = "");
  NodeSchema& output(const Image&, std::string name = "") { return output("IMAGE", std::move(name)); }
  NodeSchema& output(const Mask&, std::string name = "") { return output("MASK", std::move(name)); }
  NodeSchema& output(const Latent&, std::string name = "") { return output("LATENT", std::move(name)); }
  NodeSchema& output(const MatchType& type, std::string name);
  NodeSchema& output(OutputSpec spec);
  NodeSchema& output_node() { output_node_ = true; return *this; }
  NodeSchema& input_is_list() { input_is_list_ = true; return *this; }
  NodeSchema& not_idempotent() { not_idempotent_ = true; return *this; }
  NodeSchema& deprecated() { deprecated_ = true; return *this; }
  NodeSchema& experimental() { experimental_ = true; return *this; }
  NodeSchema& lazy_check() { lazy_check_ = true; return *this; }   ///< the class decides which lazy inputs it wants
  NodeSchema& fingerprinted() { fingerprinted_ = true; return *this; }  ///< it has an IS_CHANGED mark
  NodeSchema& validator(ValidatorSpec spec) { validator_ = std::move(spec); return *this; }

  // -- reading
  const std::string& node_class() const { return node_class_; }
  Form form() const { return form_; }
  const std::string& shown_name() const { return display_name_.empty() ? node_class_ : display_name_; }
  const std::string& python_module() const { return module_; }
  const std::vector<InputSpec>& inputs() const { return inputs_; }
  const std::vector<OutputSpec>& outputs() const { return outputs_; }
  const InputSpec* find_input(std::string_view name) const;
  bool is_output_node() const { return output_node_; }
  bool takes_lists() const { return input_is_list_; }
  bool is_not_idempotent() const { return not_idempotent_; }
  bool has_lazy_check() const { return lazy_check_; }
  bool has_fingerprint() const { return fingerprinted_; }
  bool wants_hidden(std::string_view kind) const;
  const std::optional<ValidatorSpec>& validator() const { return validator_; }

  /// The value of this class in /object_info: keys and order of protocol.md §10.
  json::object info(ChoiceLists& lists) const;
  /// `[type, options]` of one input, as info() shows it and as `input_config` of a validation error.
  static json::array spec_json(const InputSpec& input, ChoiceLists& lists);

  json::object to_wire() const;
  static NodeSchema from_wire(const json::object& wire);

 private:
  std::string node_class_;
  Form form_ = Form::kV1;
  std::string module_ = "nodes", category_ = "sd", display_name_, description_;
  std::vector<InputSpec> inputs_;
  std::vector<OutputSpec> outputs_;
  bool output_node_ = false, input_is_list_ = false, not_idempotent_ = false, deprecated_ = false, experimental_ = false;
  bool lazy_check_ = false, fingerprinted_ = false;
  std::optional<ValidatorSpec> validator_;
};

/// All classes, in the order in which they were registered. Immutable once built; shared by pointer.
class SchemaSet {
 public:
  void add(NodeSchema schema);
  const NodeSchema* find(std::string_view node_class) const;
  const std::vector<NodeSchema>& all() const { return schemas_; }
  json::array to_wire() const;
  static SchemaSet from_wire(const json::array& wire);

 private:
  std::vector<NodeSchema> schemas_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace darkroom
