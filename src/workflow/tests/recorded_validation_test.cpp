// The validator against the recorded exchanges v01–v23: every POST /prompt that was answered with 200 or 400.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rt_pack.hpp"
#include "workflow/graph.hpp"

namespace darkroom {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Compares as replay.py does: `<has:1,2>` is a list with at least these, `["<traceback>"]` any lines; lists of errors
/// in any order where the case says so.
bool matches(const json::value& want, const json::value& got, bool any_order) {
  if (want.is_string() && want.get_string().starts_with("<has:")) {
    const std::string_view text = want.get_string();
    std::stringstream names(std::string(text.substr(5, text.size() - 6)));
    const auto* list = got.if_array();
    for (std::string name; list && std::getline(names, name, ',');)
      if (std::find(list->begin(), list->end(), json::value(name)) == list->end()) return false;
    return list != nullptr;
  }
  if (const auto* list = want.if_array()) {
    const auto* other = got.if_array();
    if (!other) return false;
    if (list->size() == 1 && list->front() == "<traceback>") return !other->empty();
    if (list->size() != other->size()) return false;
    if (any_order) return std::is_permutation(list->begin(), list->end(), other->begin(), [&](const auto& a, const auto& b) { return matches(a, b, true); });
    return std::equal(list->begin(), list->end(), other->begin(), [&](const auto& a, const auto& b) { return matches(a, b, any_order); });
  }
  if (const auto* object = want.if_object()) {
    const auto* other = got.if_object();
    return other && object->size() == other->size() && std::all_of(object->begin(), object->end(), [&](const auto& item) {
             const auto* value = other->if_contains(item.key());
             return value && matches(item.value(), *value, any_order);
           });
  }
  return want == got;
}

struct Recorded : testing::TestWithParam<std::filesystem::path> {};

TEST_P(Recorded, IsAnsweredAsRecorded) {
  const json::value spec = parse_json(read(GetParam()));
  const SchemaSet schemas = rt::schemas();
  int compared = 0;
  for (const auto& item : spec.at("steps").as_array()) {
    const auto& step = item.as_object();
    const auto* body = find_object(step, "json");
    if (string_or(step, "path", "") != "/prompt" || string_or(step, "method", "") != "POST" || !body) continue;
    const auto* prompt = find_object(*body, "prompt");
    const auto& reply = step.at("reply").as_object();
    const auto status = int_or(reply, "status", 0);
    if (!prompt || status == 500) continue;  // the gateway's business
    json::object given = *prompt;
    rt::FixedLists lists;
    const Validation result = validate(given, schemas, lists, nullptr, rt::ask);
    SCOPED_TRACE(dump(*prompt));
    EXPECT_EQ(result.ok, status == 200);
    json::object got{{"node_errors", result.node_errors}};
    if (!result.ok) got["error"] = result.error;
    json::object want = find_object(reply, "json") ? *find_object(reply, "json") : json::object{};
    want.erase("prompt_id");
    want.erase("number");
    EXPECT_TRUE(matches(want, got, bool_or(step, "sort_errors", false))) << "want " << dump(want) << "\ngot  " << dump(got);
    ++compared;
  }
  EXPECT_GT(compared, 0);
}

std::vector<std::filesystem::path> cases() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(DARKROOM_TEST_DATA "/transcripts")) {
    const std::string name = entry.path().filename();
    // v16: the original answers a circle with no node_errors, we say dependency_cycle (protocol.md §12): see validate_test.
    if (name.starts_with("v") && !name.starts_with("v16")) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(Transcripts, Recorded, testing::ValuesIn(cases()), [](const auto& one) { return one.param.stem().string(); });

TEST(RecordedConversions, AreWrittenBackAsTheHistoryShowsThem) {
  const json::value spec = parse_json(read(DARKROOM_TEST_DATA "/transcripts/v19_conversions.json"));
  json::object prompt;
  const json::value* shown = nullptr;
  for (const auto& item : spec.at("steps").as_array()) {
    const auto& step = item.as_object();
    if (string_or(step, "path", "") == "/prompt") prompt = step.at("json").at("prompt").as_object();
    if (string_or(step, "path", "").starts_with("/history/")) shown = &step.at("reply").at("json").as_object().begin()->value();
  }
  ASSERT_NE(shown, nullptr);
  rt::FixedLists lists;
  const SchemaSet schemas = rt::schemas();
  EXPECT_TRUE(validate(prompt, schemas, lists, nullptr, rt::ask).ok);
  EXPECT_EQ(dump(prompt), dump(shown->at("prompt").at(2)));
}

}  // namespace
}  // namespace darkroom
