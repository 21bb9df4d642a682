#include "client/client.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fstream>
#include <iterator>

#include "base/percent.hpp"
#include "base/text.hpp"
#include "client/client_state.hpp"
#include "client/multipart_body.hpp"
#include "client/picture_prompt.hpp"
#include "workflow/import.hpp"
#include "workflow/object_info.hpp"

namespace darkroom::client {
namespace {

namespace fs = std::filesystem;

// GCC 12 takes no lists of initialisers inside a co_await.
std::string deletion_of(const std::vector<std::string>& ids) { return dump(json::object{{"delete", json::array(ids.begin(), ids.end())}}); }

std::vector<QueueEntry> entries_of(const json::object& queue, const char* key) {
  std::vector<QueueEntry> entries;
  if (const auto* list = find_array(queue, key))
    for (const auto& item : *list) {
      const auto* parts = item.if_array();
      if (!parts || parts->size() < 3 || !(*parts)[0].is_number() || !(*parts)[1].is_string()) continue;
      entries.push_back({(*parts)[0].to_number<double>(), std::string((*parts)[1].get_string()),
                         (*parts)[2].is_object() ? (*parts)[2].get_object() : json::object{}});
    }
  return entries;
}

constexpr const char* kClear = R"({"clear":true})";

std::string view_of(const std::string& filename, const std::string& subfolder, const std::string& type) {
  return fmt::format("/view?filename={}&subfolder={}&type={}", percent_encode(filename), percent_encode(subfolder), percent_encode(type));
}

std::string bytes_of(const fs::path& file) {
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) throw InvalidInput(file.string() + " is a folder");
  std::ifstream in(file, std::ios::binary);
  if (!in) throw NotFound(fmt::format("{} can't be opened: {}", file.string(), std::generic_category().message(errno)));
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::string FileName::as_input() const {
  return (subfolder.empty() ? name : subfolder + "/" + name) + (type.empty() || type == "input" ? "" : " [" + type + "]");
}

Client::Client(asio::any_io_executor io, const ServerUrl& url, ClientOptions options)
    : state_(std::make_shared<State>(io, url, std::move(options))) {}
Client::Client(Client&&) noexcept = default;
Client::~Client() {
  if (state_) state_->close();
}

const std::string& Client::id() const { return state_->id; }
asio::awaitable<void> Client::connect() {
  const auto state = state_;
  co_await state->open();
}
bool Client::connected() const { return state_->opened; }
Transport& Client::transport() { return state_->transport; }

asio::awaitable<Job> Client::queue_prompt(json::object prompt, QueueOptions options) {
  const auto state = state_;
  auto job = std::make_shared<Job::State>(state->io, options.prompt_id.empty() ? uuid4() : options.prompt_id,
                                          options.total_nodes ? options.total_nodes : prompt.size());
  json::object extra = std::move(options.extra_data);
  if (!options.extra_pnginfo.empty()) extra["extra_pnginfo"] = std::move(options.extra_pnginfo);
  if (options.previews) extra["preview_method"] = "auto";
  json::object body{{"prompt", prompt}, {"client_id", state->id}, {"prompt_id", job->id}};
  if (!extra.empty()) body["extra_data"] = std::move(extra);
  if (options.front) body["front"] = true;
  if (options.number) body["number"] = *options.number;

  state->follow(job);  // before it is sent: a fast server's messages come before its answer is read
  try {
    const auto reply = co_await state->transport.post("/prompt", dump(body));
    if (reply.status == 400) {
      json::value answer = reply.as_json();
      const auto* refusal = answer.if_object();
      const auto* error = refusal ? find_object(*refusal, "error") : nullptr;
      const auto* node_errors = refusal ? find_object(*refusal, "node_errors") : nullptr;
      if (error)
        throw PromptRefused(describe_refusal(*error, node_errors ? *node_errors : json::object{}, prompt), *error,
                            node_errors ? *node_errors : json::object{});
    }
    const json::object answer = State::object_of(reply, "/prompt");
    const std::string given = string_or(answer, "prompt_id", "");
    if (given.empty()) throw Unavailable("the server gave no prompt_id");
    if (given != job->id) state->rename(job, given);
    job->number = number_or(answer, "number", 0);
    if (const auto* node_errors = find_object(answer, "node_errors")) job->node_errors = *node_errors;
    job->submitted = true;
  } catch (...) {
    state->forget(job);
    throw;
  }
  co_return Job(job);
}

Job Client::track_progress(const std::string& prompt_id) {
  if (auto followed = state_->job_of(prompt_id)) return Job(std::move(followed));
  auto job = std::make_shared<Job::State>(state_->io, prompt_id, 0);
  job->submitted = true;
  state_->follow(job);
  // It may be over already.
  asio::co_spawn(
      state_->io,
      [state = state_, job]() -> asio::awaitable<void> {
        try {
          if (const auto entry = co_await state->entry_of(job->id)) job->push(job->events.take_history(*entry));
        } catch (const Error&) {
          // Who watches will ask again.
        }
      },
      asio::detached);
  return Job(job);
}

asio::awaitable<std::optional<json::object>> Client::get_history(std::string prompt_id) {
  const auto state = state_;
  co_return co_await state->entry_of(prompt_id);
}

asio::awaitable<json::object> Client::get_histories(std::optional<std::size_t> max, std::size_t offset) {
  const auto state = state_;
  std::string target = "/history";
  if (max) target += fmt::format("?max_items={}{}", *max, offset ? fmt::format("&offset={}", offset) : "");
  const auto reply = co_await state->transport.get(target);
  co_return State::object_of(reply, "the history");
}

asio::awaitable<void> Client::delete_history(std::vector<std::string> prompt_ids) {
  return State::tell(state_, "/history", deletion_of(prompt_ids));
}

asio::awaitable<void> Client::clear_history() { return State::tell(state_, "/history", kClear); }

asio::awaitable<Queue> Client::get_queue() {
  const auto state = state_;
  const auto reply = co_await state->transport.get("/queue");
  const json::object queue = State::object_of(reply, "the queue");
  co_return Queue{entries_of(queue, "queue_running"), entries_of(queue, "queue_pending")};
}

asio::awaitable<void> Client::delete_from_queue(std::vector<std::string> prompt_ids) {
  return State::tell(state_, "/queue", deletion_of(prompt_ids));
}

asio::awaitable<void> Client::clear_queue() { return State::tell(state_, "/queue", kClear); }

asio::awaitable<void> Client::interrupt(std::string prompt_id) {
  return State::tell(state_, "/interrupt", dump(prompt_id.empty() ? json::object{} : json::object{{"prompt_id", prompt_id}}));
}

asio::awaitable<void> Client::cancel(std::string prompt_id) {
  const auto state = state_;
  auto out_of_the_queue = delete_from_queue(std::vector<std::string>(1, prompt_id)), stop = interrupt(prompt_id);
  co_await std::move(out_of_the_queue);
  co_await std::move(stop);
  co_await state->look_up_all();
}

asio::awaitable<void> Client::State::tell(std::shared_ptr<State> self, std::string target, std::string body) {
  const auto reply = co_await self->transport.post(target, std::move(body));
  expect_ok(reply, target);
}

asio::awaitable<std::string> Client::get_image(std::string filename, std::string subfolder, std::string type) {
  const auto state = state_;
  auto reply = co_await state->transport.get(view_of(filename, subfolder, type));
  State::expect_ok(reply, filename);
  co_return std::move(reply.body);
}

asio::awaitable<std::vector<FetchedImage>> Client::get_images(std::string prompt_id, bool previews) {
  const auto state = state_;
  const auto entry = co_await state->entry_of(prompt_id);
  if (!entry) throw NotFound(fmt::format("the history has no job {}", prompt_id));
  std::vector<FetchedImage> images;
  if (const auto* outputs = find_object(*entry, "outputs"))
    for (auto& file : results_of(*outputs).files) {
      if (file.type == "temp" && !previews) continue;
      auto reply = co_await state->transport.get(view_of(file.filename, file.subfolder, file.type));
      State::expect_ok(reply, file.filename);
      images.push_back(
          {std::move(file.node), std::move(file.filename), std::move(file.subfolder), std::move(file.type), std::move(reply.body)});
    }
  co_return images;
}

asio::awaitable<FileName> Client::upload_image(fs::path file, UploadOptions options) {
  const auto state = state_;
  if (options.name.empty()) options.name = file.filename().string();
  std::string bytes = bytes_of(file);
  co_return co_await state->upload(std::move(bytes), std::move(options));
}

asio::awaitable<FileName> Client::upload_bytes(std::string bytes, UploadOptions options) {
  const auto state = state_;
  co_return co_await state->upload(std::move(bytes), std::move(options));
}

asio::awaitable<FileName> Client::State::upload(std::string bytes, UploadOptions wish) {
  const auto self = shared_from_this();
  std::vector<std::pair<std::string, std::string>> fields{{"type", wish.type}, {"overwrite", wish.overwrite ? "true" : "false"}};
  if (!wish.subfolder.empty()) fields.emplace_back("subfolder", wish.subfolder);
  auto form = multipart_body(fields, "image", wish.name, bytes);
  const auto reply = co_await transport.post("/upload/image", std::move(form.body), std::move(form.content_type));
  const json::object answer = object_of(reply, "the upload of " + wish.name);
  co_return FileName{string_or(answer, "name", wish.name), string_or(answer, "subfolder", wish.subfolder),
                     string_or(answer, "type", wish.type)};
}

asio::awaitable<json::object> Client::object_info(std::string node_class) {
  const auto state = state_;
  auto reply = co_await state->transport.get(node_class.empty() ? "/object_info" : "/object_info/" + percent_encode(node_class));
  co_return State::object_of(reply, "/object_info");
}

asio::awaitable<json::object> Client::system_stats() {
  const auto state = state_;
  const auto reply = co_await state->transport.get("/system_stats");
  co_return State::object_of(reply, "/system_stats");
}

asio::awaitable<json::object> Client::import_workflow(fs::path file) {
  const auto state = state_;
  const std::string text = bytes_of(file);
  const auto reply = co_await state->transport.get("/object_info");
  State::expect_ok(reply, "/object_info");
  co_return read_workflow_text(text, read_object_info_text(reply.body)).prompt;
}

std::string describe_refusal(const json::object& error, const json::object& node_errors, const json::object& prompt) {
  std::string text = string_or(error, "message", "The server refused the workflow");
  const std::string details = string_or(error, "details", "");
  if (!details.empty() && node_errors.empty()) text += " (" + details + ")";
  for (const auto& [id, value] : node_errors) {
    const auto* entry = value.if_object();
    const auto* errors = entry ? find_array(*entry, "errors") : nullptr;
    if (!errors) continue;
    const auto* node = find_object(prompt, id);
    const auto* meta = node ? find_object(*node, "_meta") : nullptr;
    const std::string node_class = string_or(*entry, "class_type", "?"), title = meta ? string_or(*meta, "title", "") : "";
    text += fmt::format("\n  node {} ({}{})", std::string_view(id), node_class,
                        title.empty() || title == node_class ? "" : ", \"" + title + "\"");
    for (const auto& fault : *errors)
      if (const auto* object = fault.if_object())
        text += fmt::format("\n    {}: {}", string_or(*object, "message", ""), string_or(*object, "details", ""));
  }
  return text;
}

}  // namespace darkroom::client
