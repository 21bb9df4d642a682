// /v1/images and /v1/models (docs/images-api.md): a workflow of this server behind the interface that clients of OpenAI know.

#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "gateway/api_error.hpp"
#include "gateway/images_form.hpp"
#include "gateway/images_job.hpp"
#include "gateway/images_result.hpp"
#include "gateway/images_stream.hpp"
#include "gateway/images_workflow.hpp"
#include "gateway/photo_facts.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/pool.hpp"
#include "gateway/receive_form.hpp"
#include "gateway/safe_file.hpp"
#include "gateway/services.hpp"
#include "restoration/options.hpp"
#include "storage/folders.hpp"

namespace darkroom {
namespace {

/// Limit: body of POST /v1/images/generations, bytes. Beyond: 413. Fixed: the longest prompt, escaped. Edge:
/// test_images_api.py::test_bodies_have_a_limit.
constexpr std::size_t kMaxBody = 1u << 20;
constexpr auto kWait = std::chrono::seconds(60);

asio::awaitable<Response> or_error(asio::awaitable<Response> work) {
  std::exception_ptr fault;
  try {
    co_return co_await std::move(work);
  } catch (...) {
    fault = std::current_exception();
  }
  const ApiError error = api_error_of(fault);
  log::info("/v1: {}: {}", error.status, error.message);
  co_return api_error(error);
}

asio::awaitable<json::object> read_json_body(Request& request) {
  std::string body;
  for (;;) {
    const std::string_view piece = co_await request.stream->read();
    if (piece.empty()) break;
    if (body.size() + piece.size() > kMaxBody) throw ApiError{413, "The body is larger than 1 MiB", "too_large"};
    body += piece;
  }
  json::value parsed;
  try {
    parsed = parse_json(body);
  } catch (const Error& wrong) {
    throw ApiError{400, std::string("The body is not valid JSON: ") + wrong.what(), "invalid_json"};
  }
  if (!parsed.is_object()) throw ApiError{400, "The body must be a JSON object", "invalid_json"};
  co_return std::move(parsed.get_object());
}

/// `data` of a reply: each picture as it was asked for.
asio::awaitable<json::array> data_of(Services& services, const Request& request, const ImagesRequest& wish, const ImagesJob& job) {
  if (job.pictures().empty()) throw ApiError{500, "The workflow of this server saved no picture", "bad_workflow"};
  const PictureForm form{wish.format, wish.compression};
  json::array data;
  for (const NamedFile& file : job.pictures()) {
    if (wish.as_url) {
      data.push_back(json::object{{"url", picture_url(services, request, file, form)}});
      continue;
    }
    const std::string bytes = co_await picture_bytes(services, request.who, file, form);
    auto encode = [&] { return base64(bytes); };
    const std::string encoded = co_await services.pool.run(std::move(encode));
    data.push_back(json::object{{"b64_json", encoded}});
  }
  co_return data;
}

/// Runs the prompt and answers with what it made. `kind`: what the events of a stream are called.
asio::awaitable<Response> draw(const Router& router, Services& services, Request& request, ImagesRequest wish, ImagesPrompt made,
                               const char* kind) {
  const auto job = std::make_shared<ImagesJob>(router, services, request, static_cast<std::size_t>(wish.n));
  co_await job->submit(std::move(made.prompt), wish.stream && wish.partial_images > 0);
  Response response;
  if (wish.stream) {
    response.header("Content-Type", "text/event-stream; charset=utf-8")
        .header("Cache-Control", "no-store")
        .header("X-Accel-Buffering", "no");
    response.stream = std::make_shared<ImagesStream>(services, request.who, std::move(wish), job, kind);
    co_return response;
  }
  for (;;) {
    const ImagesJob::News news = co_await job->next(kWait);
    if (news == ImagesJob::News::kEnd) break;
    job->take_preview();
  }
  json::array data = co_await data_of(services, request, wish, *job);
  json::object reply{{"created", now_ms() / 1000}, {"data", std::move(data)}, {"output_format", wish.format}};
  if (wish.size) reply["size"] = std::to_string(wish.size->first) + "x" + std::to_string(wish.size->second);
  reply["seed"] = made.seed;
  auto write = [&] { return dump(json::value(std::move(reply))); };
  response.body = co_await services.pool.run(std::move(write));
  response.header("Content-Type", "application/json; charset=utf-8");
  co_return response;
}

asio::awaitable<Response> generate(const Router& router, Services& services, Request& request) {
  const json::object fields = co_await read_json_body(request);
  ImagesRequest wish = read_images_request(fields);
  ImagesPrompt made = co_await generation_prompt(services, wish);
  co_return co_await draw(router, services, request, std::move(wish), std::move(made), "image_generation");
}

/// Lets darkroom-picture look at a picture of the form's `field`.
asio::awaitable<EditPicture> look_at(Services& services, FormPicture& picture, const char* field) {
  std::string fault;
  try {
    const restoration::PictureFile facts = co_await look_at_photo(picture_helper_of(services), picture.file->path(), picture.head);
    co_return EditPicture{picture.file.get(), facts.name, facts.width, facts.height};
  } catch (const restoration::Refusal& why) {
    fault = why.text;
  }
  throw ApiError{400, std::string(field) + ": " + fault, "invalid_image", field};
}

asio::awaitable<Response> edit(const Router& router, Services& services, Request& request) {
  const Folders folders = services.folders.of_user(request.who.user);
  ImagesForm form(folders);
  co_await receive_form(request, services, form);
  const json::object fields = fields_of_form(form.texts);
  ImagesRequest wish = read_images_request(fields);
  if (form.images.empty()) throw ApiError{400, "image: it is missing, or is no file", "missing_required_parameter", "image"};
  EditPictures pictures;
  for (FormPicture& picture : form.images) {
    EditPicture seen = co_await look_at(services, picture, "image");
    pictures.images.push_back(std::move(seen));
  }
  if (form.mask.file) {
    EditPicture seen = co_await look_at(services, form.mask, "mask");
    pictures.mask = std::move(seen);
  }
  ImagesPrompt made = co_await edit_prompt(services, request.who, wish, pictures);
  co_return co_await draw(router, services, request, std::move(wish), std::move(made), "image_edit");
}

json::object model_view(const ModelFile& file) {
  struct stat info {};
  const std::int64_t created = ::stat(file.file.c_str(), &info) == 0 ? static_cast<std::int64_t>(info.st_mtime) : 0;
  return {{"id", file.name}, {"object", "model"}, {"created", created}, {"owned_by", "darkroom"}};
}

/// The checkpoints, each name once.
json::array models_of(const Services& services) {
  json::array list;
  const auto names = services.folders.list_models("checkpoints");
  const auto files = services.folders.model_files("checkpoints");
  for (const auto& name : names)
    if (const auto at = std::ranges::find(files, name, &ModelFile::name); at != files.end()) list.push_back(model_view(*at));
  return list;
}

asio::awaitable<Response> list_models(Services& services) {
  auto work = [&] { return models_of(services); };
  json::array list = co_await services.pool.run(std::move(work));
  co_return Response::of_json(json::object{{"object", "list"}, {"data", std::move(list)}});
}

asio::awaitable<Response> get_model(Services& services, Request& request) {
  auto work = [&] { return models_of(services); };
  const json::array list = co_await services.pool.run(std::move(work));
  for (const auto& model : list)
    if (model.at("id").get_string() == request.param("model")) co_return Response::of_json(model);
  throw ApiError{404, "The model '" + request.param("model") + "' does not exist", "model_not_found", "model"};
}

std::int64_t quality_of(const std::string& text) {
  std::int64_t quality = -1;
  const char* end = text.data() + text.size();
  const auto [stopped, fault] = std::from_chars(text.data(), end, quality);
  if (fault != std::errc() || stopped != end || quality < 0 || quality > 100)
    throw ApiError{400, "quality: must be between 0 and 100", "invalid_value", "quality"};
  return quality;
}

/// GET /v1/images/files/{type}/{name...}: what `url` of a reply leads to.
asio::awaitable<Response> get_file(Services& services, Request& request) {
  NamedFile file;
  file.name = request.param("name");
  file.type = request.param("type");
  const std::string format = request.query_or("format", "png");
  if (file.type != "output" && file.type != "temp") throw ApiError{404, "There is no such picture", "not_found"};
  if (format != "png" && format != "jpeg" && format != "webp")
    throw ApiError{400, "format: must be one of png, jpeg, webp", "invalid_value", "format"};
  auto find = [&] { return picture_path(services, request.who, file); };
  const std::string path = co_await services.pool.run(std::move(find));
  const std::string name = path.substr(path.rfind('/') + 1);
  if (format == "png") co_return send_safely(path, name, request);
  const PictureForm form{format, quality_of(request.query_or("quality", "100"))};
  Response response;
  response.body = co_await picture_bytes(services, request.who, file, form);
  response.header("Content-Type", "image/" + format).header("X-Content-Type-Options", "nosniff");
  co_return response;
}

}  // namespace

void add_images_routes(Router& router, Services& services) {
  RouteOptions plain, streamed;
  plain.api_too = streamed.api_too = false;
  streamed.streams_body = true;
  const auto add = [&](const char* method, const char* pattern, auto handler, const RouteOptions& options) {
    router.add(
        method, pattern, [handler](Request& request) { return or_error(handler(request)); }, options);
  };
  add(
      "POST", "/v1/images/generations", [&](Request& request) { return generate(router, services, request); }, streamed);
  add(
      "POST", "/v1/images/edits", [&](Request& request) { return edit(router, services, request); }, streamed);
  add(
      "GET", "/v1/images/files/{type}/{name...}", [&](Request& request) { return get_file(services, request); }, plain);
  add(
      "GET", "/v1/models", [&](Request&) { return list_models(services); }, plain);
  add(
      "GET", "/v1/models/{model...}", [&](Request& request) { return get_model(services, request); }, plain);
}

}  // namespace darkroom
