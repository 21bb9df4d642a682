#pragma once
// A program's side of the server: queue prompts, follow them, fetch what they made. Coroutines; blocking_client.hpp has the same for
// programs without an event loop.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "client/events.hpp"
#include "client/results.hpp"
#include "client/server_url.hpp"

namespace darkroom {
class Transport;
}

namespace darkroom::client {

namespace asio = boost::asio;

// Wishes have constructors of their own: GCC 12 copies temporary aggregates byte by byte where they are arguments inside a co_await.

struct ClientOptions {
  ClientOptions() {}
  std::string client_id;         ///< whose messages the socket gets; empty: a new random one
  std::string token;             ///< sent with every request; empty: none
  std::filesystem::path tls_ca;  ///< authorities to trust for https, PEM; empty: those of the system
  std::optional<ServerUrl> proxy;

  /// How a broken socket is opened again: after `first`, then twice as long each time, up to `longest`, each shortened by up to a half at
  /// random. Meanwhile the history is asked for jobs that are followed. A server that says nothing at all for `patience` is given up.
  std::chrono::milliseconds first{250}, longest{5000}, patience{60'000};
};

struct QueueOptions {
  QueueOptions() {}
  std::string prompt_id;  ///< empty: a new random one
  bool front = false;
  std::optional<double> number;  ///< place in the queue, lower first
  json::object extra_pnginfo;    ///< each key becomes a text of the PNGs
  json::object extra_data;       ///< more of it
  bool previews = false;         ///< asks for pictures of the sampler's progress
  std::size_t total_nodes = 0;   ///< for NodeStarted::total; 0: as many as the prompt has
};

/// The server refused a prompt. what() says it in lines for people.
struct PromptRefused : InvalidInput {
  PromptRefused(const std::string& text, json::object error_, json::object node_errors_)
      : InvalidInput(text), error(std::move(error_)), node_errors(std::move(node_errors_)) {}
  json::object error, node_errors;
};

/// A refusal of a prompt as lines for people: the error, then each node with its faults.
std::string describe_refusal(const json::object& error, const json::object& node_errors, const json::object& prompt);

/// A job that is followed. A handle: copies mean the same job. It must not outlive the executor of its client.
class Job {
 public:
  struct State;
  Job() = default;  ///< of no job
  explicit Job(std::shared_ptr<State> state) : state_(std::move(state)) {}

  const std::string& id() const;
  double number() const;                    ///< place in the queue that the server gave
  const json::object& node_errors() const;  ///< of outputs that were left out though others run

  /// The next event; waits for it. Nothing after the end. Throws Unavailable when the server is away for longer than the client's
  /// patience. For one waiter at a time.
  asio::awaitable<std::optional<JobEvent>> next();
  /// Waits for the end, which is JobDone, JobFailed or JobInterrupted.
  asio::awaitable<JobEvent> finished();

 private:
  std::shared_ptr<State> state_;
};

struct UploadOptions {
  UploadOptions() {}
  std::string name;  ///< on the server; empty: the file's own
  std::string subfolder;
  std::string type = "input";  ///< "input", "temp" or "output"
  bool overwrite = false;      ///< else a taken name gets " (1)", and equal bytes keep theirs
};

/// A file of the server, as it names it.
struct FileName {
  std::string name, subfolder, type;
  /// As a node's input takes it: "sub/name.png", with " [temp]" behind where it is no input.
  std::string as_input() const;
};

/// A picture that a job made.
struct FetchedImage {
  std::string node, filename, subfolder, type;
  std::string bytes;
};

struct QueueEntry {
  double number = 0;
  std::string prompt_id;
  json::object prompt;
};

struct Queue {
  std::vector<QueueEntry> running, pending;  ///< pending ones in the order in which they will run
};

/// One server. All of it from one thread, or one strand.
class Client {
 public:
  /// Throws InvalidInput for a certificate file or a token that is none.
  Client(asio::any_io_executor io, const ServerUrl& url, ClientOptions options = {});
  ~Client();
  Client(Client&&) noexcept;

  const std::string& id() const;  ///< the client id

  /// Opens the WebSocket, and keeps it open until the client goes. Only jobs queued by this client id are heard of. Without it, jobs are
  /// followed by their history. Throws Unavailable, and Forbidden where the server wants another token.
  asio::awaitable<void> connect();
  bool connected() const;

  // Every request throws Unavailable when there is no answer or one that no such server gives, Forbidden for a token that is refused.

  /// Queues a prompt in API form. Its events are kept from the first on. Throws PromptRefused.
  asio::awaitable<Job> queue_prompt(json::object prompt, QueueOptions options = {});
  /// Follows a job that this client id queued, from now on; the end of one that is over comes at once.
  Job track_progress(const std::string& prompt_id);

  /// The entry of a job that is over; nothing before.
  asio::awaitable<std::optional<json::object>> get_history(std::string prompt_id);
  /// Newest last; at most `max` of them. prompt_id → entry.
  asio::awaitable<json::object> get_histories(std::optional<std::size_t> max = {}, std::size_t offset = 0);
  asio::awaitable<void> delete_history(std::vector<std::string> prompt_ids);
  asio::awaitable<void> clear_history();

  asio::awaitable<Queue> get_queue();
  asio::awaitable<void> delete_from_queue(std::vector<std::string> prompt_ids);
  asio::awaitable<void> clear_queue();
  /// Takes a job out of the queue or stops it, whichever it is; one that waited ends for who follows it.
  asio::awaitable<void> cancel(std::string prompt_id);
  /// Stops what runs; with an id that job only, and only while it runs.
  asio::awaitable<void> interrupt(std::string prompt_id = "");

  /// The bytes of a file. Throws NotFound.
  asio::awaitable<std::string> get_image(std::string filename, std::string subfolder = "", std::string type = "output");
  /// The files that a job made, with their bytes. `previews`: those of temp too.
  asio::awaitable<std::vector<FetchedImage>> get_images(std::string prompt_id, bool previews = false);
  /// Throws NotFound for a file that can't be opened, InvalidInput when the server refuses it, TooLarge when it takes no file of this size.
  asio::awaitable<FileName> upload_image(std::filesystem::path file, UploadOptions options = {});
  asio::awaitable<FileName> upload_bytes(std::string bytes, UploadOptions options);

  asio::awaitable<json::object> object_info(std::string node_class = "");  ///< all classes, or the one; empty for one that is not there
  asio::awaitable<json::object> system_stats();
  /// A file in any form, also the editor's own, as a prompt: the server's classes say how to read it. Throws as load_workflow().
  asio::awaitable<json::object> import_workflow(std::filesystem::path file);

  /// What is not wrapped here.
  Transport& transport();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Writes a picture below `folder`; a taken name gets " (1)". Returns the path. Throws Forbidden for a name that leaves the folder.
std::filesystem::path save_image(const FetchedImage& image, const std::filesystem::path& folder);
/// All of them, previews into the subfolder "temp".
std::vector<std::filesystem::path> save_images(const std::vector<FetchedImage>& images, const std::filesystem::path& folder);

/// The article's two programs in one call each: sets the words and a new random seed, queues, follows, fetches and saves. An empty
/// `negative` leaves the workflow's. `progress`: hears every event. Throws InternalError when the job fails, Conflict when it is
/// interrupted.
struct PictureWish {
  PictureWish() {}
  std::string positive, negative;
  std::optional<std::uint64_t> seed;  ///< none: random
  std::filesystem::path folder = ".";
  bool save_previews = false;
  std::function<void(const JobEvent&)> progress;
};
asio::awaitable<std::vector<std::filesystem::path>> prompt_to_image(Client& client, json::object workflow, PictureWish wish);
/// `picture` is uploaded and loaded by the workflow's LoadImage.
asio::awaitable<std::vector<std::filesystem::path>> prompt_image_to_image(Client& client, json::object workflow,
                                                                          std::filesystem::path picture, PictureWish wish);

}  // namespace darkroom::client
