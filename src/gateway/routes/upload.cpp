// POST /upload/image (a file, or the `url` of one) and /upload/mask (protocol.md §3.7). Where the original answers 200 to a mask that it
// refused, or 500 to a form that is wrong, these answer 400, 403 or 404.

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/allowances.hpp"
#include "gateway/http.hpp"
#include "gateway/input_fetcher.hpp"
#include "gateway/picture_helper.hpp"
#include "gateway/pool.hpp"
#include "gateway/receive_form.hpp"
#include "gateway/services.hpp"
#include "gateway/upload_form.hpp"
#include "storage/folders.hpp"

namespace darkroom {

namespace fs = std::filesystem;

namespace {

Response wrong_form(const std::string& why) { return Response::error(400, "invalid_upload", "The upload is not a valid form", why); }

/// Reads the body into `form`, each piece on the pool. Nothing when all went well, else the reply.
asio::awaitable<std::optional<Response>> receive(Request& request, Services& services, UploadForm& form) {
  std::string fault;
  try {
    boundary_of(request.header("content-type"));
  } catch (const InvalidInput&) {
    co_return Response::empty(400);
  }
  try {
    co_await receive_form(request, services, form);
    co_return std::nullopt;
  } catch (const Exhausted& why) {
    co_return too_many(why);
  } catch (const InvalidInput& wrong) {
    fault = wrong.what();
  }
  co_return wrong_form(fault);
}

Response saved(const UploadTarget& target, std::string name) {
  return Response::of_json(json::object{{"name", std::move(name)}, {"subfolder", target.subfolder}, {"type", target.type}});
}

Response no_file(const UploadForm& form) {
  return form.text("image") ? wrong_form("image must be a file with a name") : Response::empty(400);
}

/// Runs `work` and turns what it refuses into replies.
template <class Work>
Response guarded(Work work) {
  try {
    return work();
  } catch (const Forbidden&) {
    return Response::empty(400);  // outside of the folder
  } catch (const InvalidInput& wrong) {
    return wrong_form(wrong.what());
  } catch (const NotFound& wrong) {
    return wrong_form(wrong.what());
  }
}

/// The form's `url` in place of a file.
asio::awaitable<Response> fetch_image(const Identity& who, Services& services, std::string url) {
  std::string why;
  try {
    const auto files = services.inputs->begin();
    const auto end = std::chrono::steady_clock::now() + kFetchTime;
    std::string name = co_await services.inputs->fetch(services, who, std::move(url), "", end, *files);
    files->keep();
    co_return Response::of_json(json::object{{"name", name.substr(kUrlFolder.size() + 1)}, {"subfolder", kUrlFolder}, {"type", "input"}});
  } catch (const Exhausted& much) {
    co_return too_many(much);
  } catch (const TooLarge&) {
    throw;
  } catch (const Error& fault) {
    why = fault.what();
  }
  co_return Response::error(400, "input_url_refused", "The file at this address can't be used", why);
}

asio::awaitable<Response> upload_image(Request& request, Services& services) {
  const Folders folders = services.folders.of_user(request.who.user);
  UploadForm form(folders);
  if (auto refused = co_await receive(request, services, form)) co_return std::move(*refused);
  if (const std::string* url = form.text("url"); url && !form.has_file() && services.inputs)
    co_return co_await fetch_image(request.who, services, *url);
  if (!form.has_file()) co_return no_file(form);
  co_return co_await services.pool.run([&] {
    return guarded([&] {
      const UploadTarget target = upload_target(form, folders);
      return saved(target, place_upload(form.file(), target));
    });
  });
}

/// The picture that a mask belongs to. Throws InvalidInput, Forbidden or NotFound.
fs::path original_of(const json::object& reference, const Folders& folders) {
  const auto written = find_string(reference, "filename");
  if (!written) throw InvalidInput("original_ref has no filename");
  auto [name, mark] = split_annotation(*written);
  if (name.empty() || name.front() == '/' || name.find("..") != std::string::npos) throw InvalidInput("original_ref: the filename is refused");
  auto folder = folders.by_type(mark.empty() ? string_or(reference, "type", "output") : mark);
  if (!folder) throw InvalidInput("original_ref: unknown type");
  if (const auto subfolder = find_string(reference, "subfolder"); subfolder && !subfolder->empty()) folder = resolve_inside(*folder, *subfolder);
  const fs::path file = resolve_inside(*folder, fs::path(name).filename().string());
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) throw NotFound("original_ref: there is no such picture");
  return file;
}

/// original_ref of the form; nothing when it is missing or no JSON object.
std::optional<json::object> reference_in(const UploadForm& form) {
  const std::string* text = form.text("original_ref");
  if (!text) return std::nullopt;
  try {
    const json::value value = parse_json(*text);
    if (value.is_object()) return value.get_object();
  } catch (const Error&) {
    // no JSON
  }
  return std::nullopt;
}

asio::awaitable<Response> upload_mask(Request& request, Services& services) {
  const Folders folders = services.folders.of_user(request.who.user);
  UploadForm form(folders);
  if (auto refused = co_await receive(request, services, form)) co_return std::move(*refused);
  if (!form.has_file()) co_return no_file(form);
  const auto reference = reference_in(form);
  if (!reference) co_return Response::error(500, "invalid_upload", "original_ref is missing or no JSON object");

  Response refusal;
  try {
    const fs::path original = co_await services.pool.run([&] { return original_of(*reference, folders); });
    const std::vector<std::string> arguments{"mask"};
    std::string merged;
    try {
      merged = co_await picture_helper_of(services).run(request.who.stranger(), arguments, original, form.file().path());
    } catch (const InvalidInput& fault) {
      refusal = Response::error(500, "invalid_mask", "The mask does not fit its picture", fault.what());
    }
    if (!merged.empty()) {
      co_return co_await services.pool.run([&] {
        return guarded([&] {
          const UploadTarget target = upload_target(form, folders);
          PartFile part(target.folder);
          part.write(merged);
          return saved(target, place_upload(part, target));
        });
      });
    }
  } catch (const Forbidden& fault) {
    refusal = Response::error(403, "invalid_upload", "The picture of the mask is not accessible", fault.what());
  } catch (const NotFound& fault) {
    refusal = Response::error(404, "invalid_upload", "The picture of the mask does not exist", fault.what());
  } catch (const InvalidInput& fault) {
    refusal = wrong_form(fault.what());
  }
  co_return refusal;
}

}  // namespace

void add_upload_routes(Router& router, Services& services) {
  RouteOptions streamed;
  streamed.streams_body = true;
  router.add("POST", "/upload/image", [&services](Request& request) { return upload_image(request, services); }, streamed);
  router.add("POST", "/upload/mask", [&services](Request& request) { return upload_mask(request, services); }, streamed);
}

}  // namespace darkroom
