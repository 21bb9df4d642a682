#pragma once
// What the routes of the photo service share: whose jobs they are, in which language, and how they say no.

#include <string>

#include "gateway/http.hpp"
#include "restoration/options.hpp"
#include "restoration/words.hpp"

namespace darkroom {

struct Services;

/// `?lang=`, else Accept-Language.
restoration::Language language_of(const Request& request);
/// `{"error": words, "code": ...}` with the status of the code.
Response refused(const restoration::Refusal& refusal, std::int64_t retry_after_s = 5);
/// 404 for an id that nobody knows.
Response unknown();

void add_result_routes(Router& router, Services& services);  // routes/results.cpp: /results/{id}/...

}  // namespace darkroom
