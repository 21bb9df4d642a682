// POST /restore, GET and DELETE /restore/{id}, /restore/jobs, /restore/info (docs/restore-api.md): the photo service over HTTP.

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "broker/broker.hpp"
#include "gateway/allowances.hpp"
#include "gateway/http.hpp"
#include "gateway/job_desk.hpp"
#include "gateway/middleware.hpp"
#include "gateway/options.hpp"
#include "gateway/photo_facts.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/pool.hpp"
#include "gateway/restoration_desk.hpp"
#include "gateway/restoration_files.hpp"
#include "gateway/restore_form.hpp"
#include "gateway/routes/restore_reply.hpp"
#include "gateway/schema_store.hpp"
#include "gateway/services.hpp"
#include "restoration/graph.hpp"
#include "workflow/validate.hpp"

namespace darkroom {

using restoration::Abilities;
using restoration::Refusal;
using restoration::RestoreOptions;

namespace {

constexpr std::int64_t kPictureLimit = 100'000'000;  ///< DecodeLimits::max_pixels, which darkroom-picture enforces

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return false;
  }
  return true;
}

/// The largest photograph that is taken of this user at all.
json::object limits_for(const Identity& who, const Options& options) {
  auto bytes = static_cast<std::int64_t>(options.max_body_bytes());
  std::int64_t pixels = kPictureLimit;
  const UserLimits& share = options.user_limits;
  if (who.has_own_room() && share.bytes_an_hour > 0) bytes = std::min(bytes, static_cast<std::int64_t>(share.bytes_an_hour));
  if (who.has_own_room() && share.megapixels_an_hour > 0) pixels = std::min(pixels, static_cast<std::int64_t>(share.megapixels_an_hour * 1e6));
  return {{"bytes", bytes}, {"pixels", pixels}, {"running", options.workers}, {"waiting", options.max_queue}};
}

/// What this server can do now. Throws Unavailable while no worker has told its classes.
asio::awaitable<Abilities> abilities(Services& services) {
  const auto schemas = co_await services.schemas.wait();
  auto work = [&services, schemas] { return restoration::abilities_of(*schemas, services.schemas.lists()); };
  co_return co_await services.pool.run(std::move(work));
}

/// One POST /restore from its first byte to its job.
class Reception {
 public:
  Reception(Services& services, Request& request) : services_(services), desk_(*services.restorations), request_(request), folders_(services.folders.of_user(request.who.user)), form_(folders_) {}

  /// Throws Refusal, or what reading the body throws.
  asio::awaitable<json::object> receive() {
    if (const std::string* id = request_.query_value("id")) co_await begin(*id);
    co_await read_form();
    if (live_->cancelled) throw Refusal{"cancelled", "Cancelled"};
    if (!form_.has_image()) throw Refusal{"no_image", "The form has no picture: a file part named image"};
    RestoreOptions options = restoration::parse_options(form_.options());
    const Abilities able = co_await abilities(services_);
    restoration::settle(options, able);
    picture_ = co_await look_at_photo(picture_helper_of(services_), form_.image().path(), form_.image_head());
    allowances_of(services_).check_job(request_.who, steady_ms());
    allowances_of(services_).restore(request_.who, picture_.width, picture_.height, steady_ms());
    picture_.name = std::string(kRestorationFolder) + "/" + live_->id() + picture_.name;
    picture_.folder = "input";
    co_return co_await submit(std::move(options), able);
  }
  RestorationDesk::Live live() const { return live_; }

 private:
  asio::awaitable<void> begin(std::string id) {
    if (!is_uuid(id)) throw Refusal{"bad_id", "id must be a UUID"};
    live_ = co_await desk_.begin_upload(request_.who.user, std::move(id));
  }

  /// Under the id of the form, where it has come already, else under a new one.
  asio::awaitable<void> begin_as_chosen() {
    std::string id = uuid4();
    if (form_.id()) id = *form_.id();
    co_await begin(std::move(id));
  }

  asio::awaitable<void> read_form() {
    std::string boundary;
    try {
      boundary = boundary_of(request_.header("content-type"));
    } catch (const InvalidInput&) {
      throw Refusal{"no_image", "The body must be a form (multipart/form-data) with a picture in its part image"};
    }
    const std::uint64_t total = content_length(request_);
    Allowances& allowances = allowances_of(services_);
    allowances.begin_upload(request_.who, total, steady_ms());
    MultipartParser parser(boundary, form_);
    std::string fault;
    try {
      for (std::uint64_t sum = 0;;) {
        const std::string_view piece = co_await request_.stream->read();
        if (piece.empty()) break;
        auto work = [&parser, piece] { parser.push(piece); };
        co_await services_.pool.run(std::move(work));
        allowances.received(request_.who, piece.size(), steady_ms());
        if (!live_ && form_.has_image()) co_await begin_as_chosen();
        if (!live_) continue;
        if (live_->cancelled) throw Refusal{"cancelled", "Cancelled"};
        desk_.uploading(live_, sum += piece.size(), total);
      }
      parser.finish();
    } catch (const InvalidInput& wrong) {
      fault = wrong.what();
    }
    if (!fault.empty()) throw Refusal{"bad_form", "The form can't be read: " + fault};
    if (!live_) co_await begin_as_chosen();
  }

  asio::awaitable<json::object> submit(RestoreOptions options, const Abilities& able) {
    auto place = [this] { form_.image().replace(path_of(folders_, picture_), true); };
    co_await services_.pool.run(std::move(place));
    restoration::Facts& facts = live_->facts;
    facts.original = picture_;
    facts.client_name = form_.image_name();
    facts.options = options.to_json();
    restoration::RestoreGraph graph = restoration::build_graph(options, able, picture_.name, std::string(kRestorationFolder) + "/" + facts.id);
    facts.model = graph.model;
    facts.save_node = graph.save_node;

    const auto schemas = co_await services_.schemas.wait();
    auto check = [this, &schemas, &graph] { return validate(graph.prompt, *schemas, *services_.schemas.lists_of(request_.who.user)); };
    const Validation validation = co_await services_.pool.run(std::move(check));
    if (!validation.ok) {
      log::error("the graph of a restoration is refused: {}", dump(json::value(validation.node_errors)));
      throw Refusal{"bad_options", "These options can't be done together on this server"};
    }
    Job job;
    job.id = facts.id;
    job.owner = facts.owner;
    job.number = services_.jobs.next_number();
    job.create_time = now_ms();
    job.extra_data = {{"create_time", job.create_time}, {"restoration", facts.options}};
    job.prompt = std::move(graph.prompt);
    job.outputs = validation.outputs;
    const std::string id = facts.id;
    const std::int64_t position = co_await desk_.accept(live_, std::move(job));
    allowances_of(services_).submitted(request_.who, 1, steady_ms());
    co_return json::object{{"job_id", id}, {"position", position}, {"progress_url", "/ws/progress?job=" + id}, {"status_url", "/restore/" + id}};
  }

  Services& services_;
  RestorationDesk& desk_;
  Request& request_;
  const Folders folders_;  ///< of the user
  RestoreForm form_;
  RestorationDesk::Live live_;
  restoration::PictureFile picture_;
};

asio::awaitable<Response> post_restore(Request& request, Services& services) {
  Reception reception(services, request);
  Refusal refusal;
  std::int64_t retry_after = 5;
  std::exception_ptr lost;
  try {
    const json::object reply = co_await reception.receive();
    Response response = Response::of_json(reply, 202);
    response.header("Location", string_or(reply, "status_url", ""));
    response.after_write = services.jobs.when_replied(string_or(reply, "job_id", ""));
    co_return response;
  } catch (const Refusal& why) {
    refusal = why;
  } catch (const UserQueueFull& full) {
    refusal = {"too_many", full.what()};
  } catch (const QueueFull& full) {
    refusal = {"queue_full", full.what()};
  } catch (const BodyTooLarge& large) {
    refusal = {"too_large", large.what()};
  } catch (const Exhausted& why) {
    refusal = {"too_many", why.what()};
    retry_after = why.retry_after_s;
  } catch (const TooLarge& large) {
    refusal = {"too_large", large.what()};
  } catch (const Unavailable& fault) {
    refusal = {"unavailable", fault.what()};
  } catch (const Error& fault) {
    log::error("POST /restore: {}", fault.what());
    refusal = {"failed", fault.what()};
  } catch (...) {
    // The client went away.
    lost = std::current_exception();
    try {
      std::rethrow_exception(lost);
    } catch (const std::exception& why) {
      log::info("POST /restore: {}", why.what());
    }
    refusal = {"upload_cut", "The upload broke off"};
  }
  if (reception.live()) co_await services.restorations->refuse(reception.live(), refusal);
  if (lost) std::rethrow_exception(lost);
  co_return refused(refusal, retry_after);
}

asio::awaitable<Response> get_one(Request& request, Services& services) {
  const auto facts = co_await services.restorations->find(request.who.user, request.param("id"));
  if (!facts) co_return unknown();
  co_return Response::of_json(services.restorations->view(*facts, language_of(request)));
}

asio::awaitable<Response> delete_one(Request& request, Services& services) {
  const std::string owner = request.who.user, id = request.param("id");
  const auto state = co_await services.restorations->cancel(owner, id);
  if (state) co_return Response::of_json(json::object{{"job_id", id}, {"state", *state}});
  if (co_await services.restorations->forget(owner, id)) co_return Response::of_json(json::object{{"job_id", id}, {"state", "forgotten"}});
  co_return unknown();
}

asio::awaitable<Response> get_jobs(Request& request, Services& services) {
  const auto records = co_await services.restorations->list(request.who.user);
  const auto language = language_of(request);
  json::array jobs;
  for (const auto& facts : records) jobs.push_back(services.restorations->view(facts, language));
  co_return Response::of_json(json::object{{"jobs", std::move(jobs)}});
}

asio::awaitable<Response> get_info(Request& request, Services& services) {
  const Abilities able = co_await abilities(services);
  json::object reply = able.to_json();
  const auto count = [&](std::string_view state) { return static_cast<std::int64_t>(services.restorations->count(state)); };
  reply.emplace("limits", limits_for(request.who, services.options));
  reply.emplace("user", user_view(*services.gate, request.who));
  reply.emplace("keep_hours", services.options.restore_keep_hours);
  reply.emplace("running", count("running"));
  reply.emplace("waiting", count("waiting"));
  co_return Response::of_json(reply);
}

}  // namespace

void add_restore_routes(Router& router, Services& services) {
  router.add("POST", "/restore", [&services](Request& request) { return post_restore(request, services); }, {.streams_body = true});
  router.add("GET", "/restore/info", [&services](Request& request) { return get_info(request, services); });
  router.add("GET", "/restore/jobs", [&services](Request& request) { return get_jobs(request, services); });
  router.add("GET", "/restore/{id}", [&services](Request& request) { return get_one(request, services); });
  router.add("DELETE", "/restore/{id}", [&services](Request& request) { return delete_one(request, services); });
  add_result_routes(router, services);
}

}  // namespace darkroom
