#include "messages/wire.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/error.hpp"

namespace darkroom {
namespace {

Record only_record(const std::string& bytes) {
  RecordReader reader;
  reader.feed(bytes);
  auto record = reader.next();
  EXPECT_TRUE(record.has_value());
  EXPECT_FALSE(reader.next().has_value());
  return record.value_or(Record{});
}

/// Sends an event over the wire and gives what arrives.
template <class Event>
Event travelled(const Event& event) {
  const Record record = only_record(encode(event_record("job-1", 2, event)));
  EXPECT_EQ(record.kind, "event");
  EXPECT_EQ(string_or(record.data, "job", ""), "job-1");
  EXPECT_EQ(int_or(record.data, "attempt", 0), 2);
  return std::get<Event>(event_of(record));
}

void expect_same(const NodeIds& a, const NodeIds& b) {
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.display, b.display);
  EXPECT_EQ(a.real, b.real);
  EXPECT_EQ(a.parent, b.parent);
}

const NodeIds kMade{"7.0.0.2", "7", "7", "7"};

TEST(Wire, RecordKeepsKeysInOrderAndBytes) {
  const std::string bytes("\x00\xff\n{", 4);
  const Record record = only_record(encode({"run", {{"z", 1}, {"a", 1.0}, {"text", "ü\"\\"}}, bytes}));
  EXPECT_EQ(record.kind, "run");
  EXPECT_EQ(dump(record.data), R"({"z":1,"a":1.0,"text":"ü\"\\"})");
  EXPECT_EQ(record.bytes, bytes);
}

TEST(Wire, RecordWithoutData) {
  const Record record = only_record(encode({"ping", {}, {}}));
  EXPECT_EQ(record.kind, "ping");
  EXPECT_TRUE(record.data.empty());
  EXPECT_TRUE(record.bytes.empty());
}

TEST(Wire, EveryEventComesBackAsItWas) {
  const auto started = travelled(JobStarted{1700000000123, "bf16"});
  EXPECT_EQ(started.timestamp, 1700000000123);
  EXPECT_EQ(started.precision, "bf16");
  const auto cached = travelled(NodesCached{{"1", "SaveImage.0", ""}, 5});
  EXPECT_EQ(cached.nodes, (std::vector<std::string>{"1", "SaveImage.0", ""}));
  EXPECT_EQ(cached.timestamp, 5);
  expect_same(travelled(NodeStarted{NodeIds::plain("4")}).ids, NodeIds::plain("4"));
  expect_same(travelled(NodeStarted{kMade}).ids, kMade);

  const auto step = travelled(NodeProgress{"3", 2, 20, true, "JPEG", std::string("\xff\xd8\x00", 3)});
  EXPECT_TRUE(step.value.is_int64());
  EXPECT_EQ(step.max.as_int64(), 20);
  EXPECT_TRUE(step.message);
  EXPECT_EQ(step.format, "JPEG");
  EXPECT_EQ(step.picture, std::string("\xff\xd8\x00", 3));
  const auto silent = travelled(NodeProgress{"3", 0.5, 1.0, false, "", ""});
  EXPECT_TRUE(silent.max.is_double());
  EXPECT_FALSE(silent.message);

  const auto executed = travelled(NodeExecuted{kMade, {{"images", json::array{json::object{{"filename", "a.png"}}}}}});
  expect_same(executed.ids, kMade);
  EXPECT_EQ(dump(executed.output), R"({"images":[{"filename":"a.png"}]})");
  EXPECT_TRUE(travelled(NodeExecuted{NodeIds::plain("1"), nullptr}).output.is_null());
  EXPECT_TRUE(travelled(NodeFinished{kMade, true}).cached);
  EXPECT_FALSE(travelled(NodeFinished{kMade, false}).cached);

  const auto text = travelled(TextSent{"9", "half\nway"});
  EXPECT_EQ(text.node, "9");
  EXPECT_EQ(text.text, "half\nway");
  const auto message = travelled(MessageSent{"pack.event", json::array{1, nullptr}, true, ""});
  EXPECT_EQ(message.type, "pack.event");
  EXPECT_EQ(dump(message.data), "[1,null]");
  EXPECT_TRUE(message.to_all);
  EXPECT_EQ(travelled(MessageSent{"t", nullptr, false, "sid-1"}).sid, "sid-1");
  const auto binary = travelled(BinarySent{4000000000u, std::string("\0\1", 2), false, "s"});
  EXPECT_EQ(binary.event, 4000000000u);
  EXPECT_EQ(binary.bytes, std::string("\0\1", 2));
  EXPECT_EQ(binary.sid, "s");

  EXPECT_EQ(dump(travelled(NodeBlocked{{{"node_id", "5"}}}).error), R"({"node_id":"5"})");
  EXPECT_EQ(travelled(JobSucceeded{7}).timestamp, 7);
  const auto failed = travelled(JobFailed{{{"exception_type", "ValueError"}, {"traceback", json::array{"a"}}}, 8});
  EXPECT_EQ(dump(failed.error), R"({"exception_type":"ValueError","traceback":["a"]})");
  EXPECT_EQ(failed.timestamp, 8);
  const auto interrupted = travelled(JobInterrupted{"2", "KSampler", {"1"}, 9});
  EXPECT_EQ(interrupted.node, "2");
  EXPECT_EQ(interrupted.node_type, "KSampler");
  EXPECT_EQ(interrupted.executed, std::vector<std::string>{"1"});
  EXPECT_EQ(interrupted.timestamp, 9);
}

TEST(Wire, RecordsComeOutWhateverThePiecesAre) {
  std::string stream;
  for (int i = 0; i < 200; ++i) stream += encode({"event", {{"i", i}}, std::string(i % 7, 'x')});
  std::mt19937 random(1);
  for (const std::size_t most : {1u, 3u, 64u, 100000u}) {
    RecordReader reader;
    int seen = 0;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t piece = 1 + random() % most;
      reader.feed(std::string_view(stream).substr(at, piece));
      at += piece;
      while (const auto record = reader.next()) {
        EXPECT_EQ(int_or(record->data, "i", -1), seen);
        EXPECT_EQ(record->bytes.size(), static_cast<std::size_t>(seen % 7));
        ++seen;
      }
    }
    EXPECT_EQ(seen, 200);
  }
}

TEST(Wire, LargeRecordsPassAndTheirMemoryIsGivenBack) {
  RecordReader reader;
  const std::string picture(9 << 20, 'p');
  reader.feed(encode({"event", {{"a", 1}}, picture}));
  EXPECT_EQ(reader.next()->bytes, picture);
  for (int i = 0; i < 3; ++i) {
    reader.feed(encode({"pong", {}, {}}));
    EXPECT_EQ(reader.next()->kind, "pong");
  }
}

TEST(Wire, BytesThatAreNoTextDoNotBreakTheLink) {
  const Record record = only_record(encode({"event", {{"text", "caf\xe9 \xc3\xa9 \xf0\x9f"}}, {}}));
  EXPECT_EQ(string_or(record.data, "text", ""), "caf\xef\xbf\xbd \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Wire, NumbersThatAreNotFiniteBecomeNull) {
  const Record record = only_record(encode({"event", {{"x", std::numeric_limits<double>::quiet_NaN()}}, {}}));
  EXPECT_TRUE(record.data.at("x").is_null());
}

TEST(Wire, RefusesWhatIsNoRecord) {
  const std::string good = encode({"ping", {{"a", 1}}, "xyz"});
  const auto refused = [](std::string bytes) {
    RecordReader reader;
    reader.feed(bytes);
    EXPECT_THROW(reader.next(), InvalidInput);
  };
  std::string other_version = good;
  other_version[4] = 2;
  refused(other_version);
  refused(std::string("GET / HTTP/1.1\r\n"));
  std::string too_long = good;
  too_long[3] = '\x7f';
  refused(too_long.substr(0, 5));  // judged before anything of it is waited for
  std::string too_short = good;
  too_short[0] = 4, too_short[1] = too_short[2] = too_short[3] = 0;
  refused(too_short);
  std::string json_past_end = good;
  json_past_end[5] = '\x7f';
  refused(json_past_end);
  std::string no_json = good;
  no_json[9] = '[';
  refused(no_json);
  const std::string no_kind = R"({"a":1})";
  refused(std::string("\x0c\0\0\0\x01\x07\0\0\0", 9) + no_kind);
  refused(std::string("\x07\0\0\0\x01\x02\0\0\0[]", 11));
}

TEST(Wire, RecordsAtTheLimit) {
  // Five bytes of head and {"kind":"event"} are in it, too.
  const std::size_t around = encode({"event", {}, {}}).size() - 4;
  const std::string whole = encode({"event", {}, std::string(kMaxRecordBytes - around, 'x')});
  EXPECT_THROW(encode({"event", {}, std::string(kMaxRecordBytes - around + 1, 'x')}), TooLarge);
  RecordReader reader;
  reader.feed(whole);
  const auto record = reader.next();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->bytes.size(), kMaxRecordBytes - around);
  std::string announced = whole.substr(0, 20);
  ++announced[3];  // of the length in front
  RecordReader second;
  const auto read = [&] {
    second.feed(announced);
    second.next();
  };
  EXPECT_THROW(read(), Error) << "known before the bytes come";
}

TEST(Wire, RefusesUnknownEventsAndWrongFields) {
  EXPECT_THROW(event_of({"event", {{"event", "exploded"}}, {}}), InvalidInput);
  EXPECT_THROW(event_of({"event", {}, {}}), InvalidInput);
  EXPECT_THROW(event_of({"event", {{"event", "cached"}, {"nodes", json::array{1}}}, {}}), InvalidInput);
  EXPECT_EQ(std::get<NodeProgress>(event_of({"event", {{"event", "progress"}, {"value", "x"}}, {}})).node, "");
}

TEST(Wire, DeeplyNestedPromptsPass) {
  json::value nested = 1;
  for (int i = 0; i < 250; ++i) nested = json::array{nested};
  EXPECT_NO_THROW(only_record(encode({"run", {{"job", json::object{{"prompt", nested}}}}, {}})));
}

}  // namespace
}  // namespace darkroom
