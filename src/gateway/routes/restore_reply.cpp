#include "gateway/routes/restore_reply.hpp"

#include <array>
#include <utility>

namespace darkroom {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 8> kStatuses{{{"too_large", 413},
                                                                    {"id_taken", 409},
                                                                    {"no_model", 409},
                                                                    {"cancelled", 409},
                                                                    {"queue_full", 429},
                                                                    {"too_many", 429},
                                                                    {"unavailable", 503},
                                                                    {"failed", 500}}};

}  // namespace

restoration::Language language_of(const Request& request) {
  return restoration::choose_language(request.query_or("lang", ""), request.header("accept-language"));
}

Response refused(const restoration::Refusal& refusal, std::int64_t retry_after_s) {
  int status = 400;
  for (const auto& [code, number] : kStatuses)
    if (refusal.code == code) status = number;
  Response response = Response::of_json(json::object{{"error", refusal.text}, {"code", refusal.code}}, status);
  if (status == 429 || status == 503) response.header("Retry-After", std::to_string(retry_after_s));
  return response;
}

Response unknown() { return Response::of_json(json::object{{"error", "There is no restoration of this id"}, {"code", "unknown_job"}}, 404); }

}  // namespace darkroom
