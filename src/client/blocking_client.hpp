#pragma once
// Client for programs without an event loop: every call waits for its answer. The socket is served by a thread of its own, so that messages
// come in while the program does something else. All of it may be used from several threads.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "client/client.hpp"

namespace darkroom::client {

class BlockingClient {
 public:
  /// What a job tells, one event after the other.
  class Following {
   public:
    Following(BlockingClient& client, Job job) : client_(client), job_(std::move(job)) {}
    const std::string& id() const { return job_.id(); }
    const json::object& node_errors() const { return job_.node_errors(); }
    std::optional<JobEvent> next() { return client_.wait(job_.next()); }
    JobEvent finished() { return client_.wait(job_.finished()); }

   private:
    BlockingClient& client_;
    Job job_;
  };

  explicit BlockingClient(const ServerUrl& url, ClientOptions options = {})
      : client_(std::make_unique<Client>(io_.get_executor(), url, std::move(options))) {}
  explicit BlockingClient(std::string_view url, ClientOptions options = {}) : BlockingClient(ServerUrl::parse(url), std::move(options)) {}
  ~BlockingClient() {
    asio::post(io_, [this] {
      client_.reset();
      io_.stop();
    });
    thread_.join();
  }
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  const std::string& id() const { return client_->id(); }
  void connect() { wait(client_->connect()); }

  Following queue_prompt(json::object prompt, QueueOptions options = {}) {
    return {*this, wait(client_->queue_prompt(std::move(prompt), std::move(options)))};
  }
  Following track_progress(std::string prompt_id) {
    return {*this, wait([](Client& client, std::string id) -> asio::awaitable<Job> { co_return client.track_progress(id); }(
                                                               *client_, std::move(prompt_id)))};
  }
  std::optional<json::object> get_history(std::string prompt_id) { return wait(client_->get_history(std::move(prompt_id))); }
  json::object get_histories(std::optional<std::size_t> max = {}, std::size_t offset = 0) {
    return wait(client_->get_histories(max, offset));
  }
  void delete_history(std::vector<std::string> ids) { wait(client_->delete_history(std::move(ids))); }
  void clear_history() { wait(client_->clear_history()); }
  Queue get_queue() { return wait(client_->get_queue()); }
  void delete_from_queue(std::vector<std::string> ids) { wait(client_->delete_from_queue(std::move(ids))); }
  void clear_queue() { wait(client_->clear_queue()); }
  void interrupt(std::string prompt_id = "") { wait(client_->interrupt(std::move(prompt_id))); }
  std::string get_image(std::string filename, std::string subfolder = "", std::string type = "output") {
    return wait(client_->get_image(std::move(filename), std::move(subfolder), std::move(type)));
  }
  std::vector<FetchedImage> get_images(std::string prompt_id, bool previews = false) {
    return wait(client_->get_images(std::move(prompt_id), previews));
  }
  FileName upload_image(std::filesystem::path file, UploadOptions options = {}) {
    return wait(client_->upload_image(std::move(file), std::move(options)));
  }
  FileName upload_bytes(std::string bytes, UploadOptions options) {
    return wait(client_->upload_bytes(std::move(bytes), std::move(options)));
  }
  json::object object_info(std::string node_class = "") { return wait(client_->object_info(std::move(node_class))); }
  json::object system_stats() { return wait(client_->system_stats()); }
  json::object import_workflow(std::filesystem::path file) { return wait(client_->import_workflow(std::move(file))); }
  std::vector<std::filesystem::path> prompt_to_image(json::object workflow, PictureWish wish) {
    return wait(client::prompt_to_image(*client_, std::move(workflow), std::move(wish)));
  }
  std::vector<std::filesystem::path> prompt_image_to_image(json::object workflow, std::filesystem::path picture, PictureWish wish) {
    return wait(client::prompt_image_to_image(*client_, std::move(workflow), std::move(picture), std::move(wish)));
  }

 private:
  template <class T>
  T wait(asio::awaitable<T> work) {
    return asio::co_spawn(io_, std::move(work), asio::use_future).get();
  }

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::unique_ptr<Client> client_;
  std::thread thread_{[this] { io_.run(); }};
};

}  // namespace darkroom::client
