#include "gateway/input_fetcher.hpp"

#include <fmt/format.h>

#include <array>
#include <system_error>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "gateway/allowances.hpp"
#include "gateway/identity.hpp"
#include "gateway/medium.hpp"
#include "gateway/options.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/services.hpp"
#include "outbound/outbound.hpp"
#include "outbound/web_address.hpp"
#include "storage/part_file.hpp"
#include "workflow/validation_errors.hpp"

namespace darkroom {

namespace fs = std::filesystem;

struct FetchedFiles::Claims {
  struct Claim {
    int holders = 0;
    bool fresh = false;  ///< it came for its holders alone
  };
  std::unordered_map<std::string, Claim> by_file;
  int requests = 0;  ///< that have or want files
};

FetchedFiles::FetchedFiles(std::shared_ptr<Claims> claims) : claims_(std::move(claims)) { ++claims_->requests; }

FetchedFiles::~FetchedFiles() {
  --claims_->requests;
  for (const std::string& file : files_) {
    const auto found = claims_->by_file.find(file);
    if (--found->second.holders > 0) continue;
    std::error_code ignored;
    if (found->second.fresh) fs::remove(file, ignored);
    claims_->by_file.erase(found);
  }
}

void FetchedFiles::claim(const fs::path& file) {
  files_.push_back(file.string());
  ++claims_->by_file[file.string()].holders;
}

void FetchedFiles::is_new(const fs::path& file) { claims_->by_file[file.string()].fresh = true; }

void FetchedFiles::keep() {
  for (const std::string& file : files_) claims_->by_file[file].fresh = false;
}

namespace {

/// What comes from an address, on its way to the disk.
struct Incoming {
  explicit Incoming(const fs::path& folder) : part(folder) {}
  PartFile part;
  Sha256 hash;
  std::string head;
  std::uint64_t bytes = 0;

  void take(std::string_view piece) {
    if (head.size() < kMediumHead) head += piece.substr(0, kMediumHead - head.size());
    part.write(piece);
    hash.update(piece);
    bytes += piece.size();
  }
};

/// Lets darkroom-picture decode it once. Throws InvalidInput for what is no picture.
asio::awaitable<void> check_picture(PictureHelper& helper, fs::path file) {
  const std::vector<std::string> arguments{"facts"};
  const std::string text = co_await helper.run_in_turn(arguments, std::move(file));
  const json::value facts = parse_json(text);
  if (find(facts.as_object(), "fault")) throw InvalidInput(string_or(facts.as_object(), "text", "it is no picture that can be read"));
}

}  // namespace

InputFetcher::InputFetcher(Outbound& outbound) : outbound_(outbound), claims_(std::make_shared<FetchedFiles::Claims>()) {}

std::unique_ptr<FetchedFiles> InputFetcher::begin() {
  if (claims_->requests >= kMaxFetching) throw Exhausted("Too many requests wait for files from other servers: wait a little", 5);
  return std::make_unique<FetchedFiles>(claims_);
}

asio::awaitable<std::string> InputFetcher::fetch(Services& services, const Identity& who, std::string url, std::string kind,
                                                 std::chrono::steady_clock::time_point end, FetchedFiles& files) {
  outbound_.checked(url);
  const fs::path input = services.folders.of_user(who.user).input, folder = input / kUrlFolder;
  auto open = [folder] {
    fs::create_directories(folder);
    return std::make_shared<Incoming>(folder);
  };
  const std::shared_ptr<Incoming> incoming = co_await services.pool.run(std::move(open));
  const Outbound::Limits limits{services.options.max_body_bytes(), end};
  Outbound::Sink sink = [incoming](std::string_view piece) { incoming->take(piece); };
  co_await outbound_.fetch(url, limits, std::move(sink));
  allowances_of(services).received(who, incoming->bytes, steady_ms());

  const auto medium = medium_of(incoming->head);
  if (!medium || (!kind.empty() && medium->kind != kind))
    throw InvalidInput(fmt::format("what it gives is no {}", kind.empty() ? "picture, film or sound" : kind));
  const std::string name = fmt::format("{}/{}{}", kUrlFolder, incoming->hash.hex().substr(0, 32), medium->ending);
  const fs::path target = input / name;
  files.claim(target);
  auto is_there = [target] { return fs::exists(target); };
  if (co_await services.pool.run(std::move(is_there))) co_return name;
  if (medium->kind == "image") co_await check_picture(picture_helper_of(services), incoming->part.path());
  auto place = [incoming, target] { return incoming->part.place(target); };
  if (co_await services.pool.run(std::move(place))) files.is_new(target);
  co_return name;
}

namespace {

/// Which medium an input takes as an uploaded file; "" for one that takes none.
std::string_view uploaded_kind(const InputSpec& input) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kOptions{
      {{"image_upload", "image"}, {"animated_image_upload", "image"}, {"video_upload", "video"}, {"audio_upload", "audio"}}};
  for (const auto& [option, kind] : kOptions)
    if (bool_or(input.options, option, false)) return kind;
  return "";
}

/// An address in an input of a prompt.
struct NamedInput {
  std::string node, node_class, input, url, kind;
};

bool holds_address(const json::value& value) { return value.is_string() && is_web_address(value.get_string()); }

bool has_addresses(const json::object& prompt) {
  for (const auto& [id, node] : prompt) {
    const auto* body = node.if_object();
    const auto* inputs = body ? find_object(*body, "inputs") : nullptr;
    if (!inputs) continue;
    for (const auto& [name, value] : *inputs)
      if (holds_address(value)) return true;
  }
  return false;
}

std::vector<NamedInput> addresses_in(const json::object& prompt, const SchemaSet& schemas) {
  std::vector<NamedInput> found;
  for (const auto& [id, node] : prompt) {
    const auto* body = node.if_object();
    const auto* inputs = body ? find_object(*body, "inputs") : nullptr;
    const std::string node_class = body ? string_or(*body, "class_type", "") : "";
    const NodeSchema* schema = inputs ? schemas.find(node_class) : nullptr;
    if (!schema) continue;
    for (const auto& [name, value] : *inputs) {
      const InputSpec* input = holds_address(value) ? schema->find_input(name) : nullptr;
      const std::string_view kind = input ? uploaded_kind(*input) : "";
      if (!kind.empty())
        found.push_back({std::string(id), node_class, std::string(name), std::string(value.get_string()), std::string(kind)});
    }
  }
  return found;
}

void refuse(Validation& validation, const NamedInput& named, const std::string& why) {
  constexpr const char* kMessage = "The file at this address can't be used";
  const std::string details = fmt::format("{} - {}: {}", named.input, validation::shown(json::value(named.url)), why);
  json::value& entry = validation.node_errors[named.node];
  if (!entry.is_object())
    entry = json::object{{"errors", json::array()}, {"dependent_outputs", json::array()}, {"class_type", named.node_class}};
  entry.as_object()["errors"].as_array().push_back(
      validation::error("input_url_refused", kMessage, details, {{"input_name", named.input}, {"received_value", named.url}}));
  validation.ok = false;
  if (validation.error.empty()) validation.error = validation::outputs_failed(fmt::format("{}: {}", kMessage, details));
}

}  // namespace

asio::awaitable<FetchedInputs> fetch_inputs(Services& services, const Identity& who, json::object& prompt) {
  FetchedInputs result;
  if (!services.inputs || !has_addresses(prompt)) co_return result;
  const auto schemas = co_await services.schemas.wait();
  const std::vector<NamedInput> all = addresses_in(prompt, *schemas);
  if (all.empty()) co_return result;
  result.files = services.inputs->begin();
  const auto end = std::chrono::steady_clock::now() + kFetchTime;
  std::unordered_map<std::string, std::string> names;  // by kind and address
  for (const NamedInput& named : all) {
    std::string why, name;
    const std::string key = named.kind + " " + named.url;
    if (const auto known = names.find(key); known != names.end()) {
      name = known->second;
    } else if (names.size() == kMaxUrlsOfPrompt) {
      why = fmt::format("a prompt takes files from {} addresses at most", kMaxUrlsOfPrompt);
    } else {
      try {
        allowances_of(services).begin_upload(who, 0, steady_ms());
        name = co_await services.inputs->fetch(services, who, named.url, named.kind, end, *result.files);
      } catch (const Exhausted&) {
        throw;
      } catch (const Error& fault) {
        why = fault.what();
      }
    }
    if (!why.empty()) {
      refuse(result.validation, named, why);
      continue;
    }
    names.emplace(key, name);
    prompt[named.node].as_object()["inputs"].as_object()[named.input] = name;
  }
  co_return result;
}

}  // namespace darkroom
