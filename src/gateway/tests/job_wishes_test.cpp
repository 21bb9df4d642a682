#include "gateway/job_wishes.hpp"

#include <gtest/gtest.h>

#include "gateway/http.hpp"
#include "gateway/options.hpp"

namespace darkroom {
namespace {

const Identity kAnna{.user = "anna", .by = Identity::By::kToken, .admin = false};

JobTerms terms(json::object body, const Identity& who = {}, const Options& options = {}) { return terms_of(body, who, options); }

TEST(JobWishes, WhatIsNotAskedForKeepsItsDefault) {
  EXPECT_TRUE(terms({{"prompt", json::object()}, {"priority", nullptr}, {"labels", nullptr}}).empty());
}

TEST(JobWishes, APriorityIsForThoseWhoMayHaveIt) {
  EXPECT_EQ(terms({{"priority", 100}}).priority, 100);
  EXPECT_EQ(terms({{"priority", -100}}, kAnna).priority, -100);
  EXPECT_THROW(terms({{"priority", 101}}), WrongWish);
  EXPECT_THROW(terms({{"priority", -101}}), WrongWish);
  EXPECT_THROW(terms({{"priority", 1.5}}), WrongWish);
  EXPECT_THROW(terms({{"priority", 1}}, kAnna), Forbidden);
  Options options;
  options.user_limits.priority = 5;
  EXPECT_EQ(terms({{"priority", 5}}, kAnna, options).priority, 5);
  EXPECT_THROW(terms({{"priority", 6}}, kAnna, options), Forbidden);
}

TEST(JobWishes, TimeoutsHaveARange) {
  EXPECT_EQ(terms({{"timeout", 1}}).timeout_s, 1);
  EXPECT_EQ(terms({{"timeout", 1.2}}).timeout_s, 2);
  EXPECT_EQ(terms({{"timeout", 604800}}).timeout_s, 604800);
  for (const json::value& wrong : {json::value(0), json::value(604801), json::value("10"), json::value(0.5)})
    EXPECT_THROW(terms({{"timeout", wrong}}), WrongWish) << wrong;
}

TEST(JobWishes, WebhooksAreHttpAddresses) {
  EXPECT_EQ(terms({{"webhook", "https://example.org/x?y=1"}}).webhook, "https://example.org/x?y=1");
  const std::string start = "https://example.org/";
  EXPECT_NO_THROW(terms({{"webhook", start + std::string(2048 - start.size(), 'x')}}));
  EXPECT_THROW(terms({{"webhook", start + std::string(2049 - start.size(), 'x')}}), WrongWish);
  for (const char* wrong : {"ftp://example.org", "example.org", "https://a b", "https://a\n", ""})
    EXPECT_THROW(terms({{"webhook", wrong}}), WrongWish) << wrong;
  EXPECT_THROW(terms({{"webhook", 5}}), WrongWish);
}

TEST(JobWishes, LabelsHaveLimits) {
  json::object most;
  for (int i = 0; i < 16; ++i) most.emplace("label_" + std::to_string(i), "x");
  EXPECT_EQ(labels_of(most).size(), 16u);
  most.emplace("one_more", "x");
  EXPECT_THROW(labels_of(most), WrongWish);
  EXPECT_NO_THROW(labels_of(json::object{{std::string(40, 'a'), std::string(256, 'b')}}));
  EXPECT_THROW(labels_of(json::object{{std::string(41, 'a'), "b"}}), WrongWish);
  EXPECT_THROW(labels_of(json::object{{"a", std::string(257, 'b')}}), WrongWish);
  EXPECT_THROW(labels_of(json::object{{"", "b"}}), WrongWish);
  EXPECT_THROW(labels_of(json::object{{"a b", "b"}}), WrongWish);
  EXPECT_THROW(labels_of(json::object{{"a", 1}}), WrongWish);
  EXPECT_THROW(labels_of(json::array{}), WrongWish);
  for (const char* hidden : {"a\nb", "\x7f", "\u0085", "\u202e", "\u2066", "\u200f"})
    EXPECT_THROW(labels_of(json::object{{"a", hidden}}), WrongWish);
  EXPECT_NO_THROW(labels_of(json::object{{"a", "Grüße, 世界 – \u2013"}}));
}

Request with_key(std::string key, std::string body = "{}") {
  Request request;
  request.headers = {{"idempotency-key", std::move(key)}};
  request.body = std::move(body);
  return request;
}

TEST(JobWishes, KeysArePrintable) {
  EXPECT_FALSE(submission_key_of(Request(), "/prompt"));
  EXPECT_EQ(submission_key_of(with_key("k"), "/prompt")->key, "k");
  EXPECT_EQ(submission_key_of(with_key(std::string(255, 'k')), "/prompt")->key.size(), 255u);
  EXPECT_THROW(submission_key_of(with_key(std::string(256, 'k')), "/prompt"), WrongWish);
  EXPECT_THROW(submission_key_of(with_key(""), "/prompt"), WrongWish);
  EXPECT_THROW(submission_key_of(with_key("\u00fc"), "/prompt"), WrongWish);
  EXPECT_EQ(submission_key_of(with_key("k"), "/prompt")->fingerprint, submission_key_of(with_key("other"), "/prompt")->fingerprint);
  EXPECT_NE(submission_key_of(with_key("k"), "/prompt")->fingerprint, submission_key_of(with_key("k", "{ }"), "/prompt")->fingerprint);
}

}  // namespace
}  // namespace darkroom
