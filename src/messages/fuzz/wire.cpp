// Records of the link between gateway and worker: what is read comes out the same when it is written and read again.

#include "messages/wire.hpp"

#include "base/error.hpp"
#include "fuzz.hpp"
#include "messages/job.hpp"

namespace darkroom {
namespace {

std::vector<Record> records_of(std::string_view bytes) {
  RecordReader reader;
  reader.feed(bytes);
  std::vector<Record> records;
  try {
    while (auto record = reader.next()) records.push_back(std::move(*record));
  } catch (const Error&) {
    // the link would be closed
  }
  return records;
}

}  // namespace
}  // namespace darkroom

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace darkroom;
  for (const Record& record : records_of(view_of(data, size))) {
    const auto again = records_of(encode(record));
    fuzz_check(
        again.size() == 1 && again[0].kind == record.kind && again[0].bytes == record.bytes && dump(again[0].data) == dump(record.data),
        "a record changes when it is written and read again");
    try {
      const Record event = event_record("j", 1, event_of(record));
      fuzz_check(dump(event_record("j", 1, event_of(event)).data) == dump(event.data),
                 "an event changes when it is written and read again");
    } catch (const Error&) {
      // no event
    }
    if (const auto* job = find_object(record.data, "job")) {
      try {
        const json::object once = Job::from_json(*job).to_json();
        fuzz_check(dump(Job::from_json(once).to_json()) == dump(once), "a job changes when it is written and read again");
      } catch (const std::exception&) {
        // no job
      }
    }
  }
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  using namespace darkroom;
  Job job;
  job.id = "p";
  job.number = 3;
  job.prompt = json::object{{"1", json::object{{"class_type", "A"}}}};
  job.outputs = {"1"};
  const NodeIds ids{"7.0.0.2", "7", "7", "7"};
  return {encode({"run", {{"job", job.to_json()}}, {}}) + encode({"ping", {}, {}}),
          encode(event_record("j", 1, NodeProgress{.node = "1", .value = 1, .max = 2.5, .format = "PNG", .picture = "bytes"})),
          encode(event_record("j", 1, NodeExecuted{ids, json::object{{"images", json::array{}}}})) +
              encode(event_record("j", 2, NodeFinished{ids, true})),
          encode(event_record("j", 1, NodesCached{{"1", "2"}, 5})) + encode(event_record("j", 1, TextSent{"1", "text"}))};
}

std::vector<std::string> fuzz_words() {
  return {"\"event\":",
          "\"progress\"",
          "\"executed\"",
          "\"kind\":",
          "null",
          "[",
          "{",
          "\"ids\":",
          "\"job\":",
          std::string("\xff\xff\xff\xff", 4),
          std::string("\0\0\0\0", 4)};
}
