#include "gateway/multipart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "base/error.hpp"

namespace darkroom {
namespace {

using testing::ElementsAre;
using Seen = std::vector<std::string>;

// Writes down what came: "name|filename|type|content", "(open)" while a part has not ended.
struct Recorder : FormSink {
  Seen parts;
  std::string current;
  void begin(const FormPart& part) override { current = part.name + "|" + part.filename.value_or("-") + "|" + part.content_type + "|"; }
  void data(std::string_view bytes) override { current += bytes; }
  void end() override { parts.push_back(std::move(current)); current = "(none)"; }
};

Seen parse(std::string_view body, std::size_t piece = std::string_view::npos, std::string_view boundary = "XX") {
  Recorder recorder;
  MultipartParser parser(boundary, recorder);
  while (!body.empty()) {
    parser.push(body.substr(0, piece));
    body.remove_prefix(std::min(piece, body.size()));
  }
  parser.finish();
  return recorder.parts;
}

const std::string kForm =
    "--XX\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"
    "PNG\r\n--X\r\n--XXY not the end\r\n-\r\n\r\r\n--XX\r\n"
    "content-disposition: form-data; name=type\r\n\r\ninput\r\n--XX \t\r\n"
    "Content-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--XX\r\n"
    "Content-Disposition: form-data; name=\"none\"\r\n\r\n--XX--\r\nepilogue --XX\r\n";
const Seen kParts = {"image|a.png|image/png|PNG\r\n--X\r\n--XXY not the end\r\n-\r\n\r", "type|-||input", "empty|-||", "none|-||"};

TEST(Multipart, gives_parts_in_order) { EXPECT_EQ(parse(kForm), kParts); }

TEST(Multipart, does_not_mind_where_pieces_end) {
  for (std::size_t piece = 1; piece < kForm.size(); ++piece) ASSERT_EQ(parse(kForm, piece), kParts) << piece;
  for (std::size_t at = 0; at <= kForm.size(); ++at) {
    Recorder recorder;
    MultipartParser parser("XX", recorder);
    parser.push(std::string_view(kForm).substr(0, at));
    parser.push(std::string_view(kForm).substr(at));
    parser.finish();
    ASSERT_EQ(recorder.parts, kParts) << at;
  }
}

TEST(Multipart, skips_a_preamble) { EXPECT_EQ(parse("hello\r\nworld\r\n" + kForm), kParts); }

TEST(Multipart, keeps_a_lookalike_at_the_start_of_a_part) {
  EXPECT_EQ(parse("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XXZ\r\n--XX--"), Seen{"a|-||--XXZ"});
}

TEST(Multipart, keeps_binary_data_whole) {
  std::string bytes;
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) bytes += "\r\n-X\0a"[random() % 6];
  // Beginnings of the boundary stand everywhere, its last letter nowhere.
  const std::string body = "--XQ\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n" + bytes + "\r\n--XQ--";
  for (const std::size_t piece : {1u, 7u, 4096u}) EXPECT_THAT(parse(body, piece, "XQ"), ElementsAre("f|f||" + bytes)) << piece;
}

TEST(Multipart, refuses_what_is_no_form) {
  for (const std::string body : {"", "no boundary", "--XX", "--XX\r\n", "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nnever ends",
                                 "--XX\r\n\r\nno name\r\n--XX--", "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--XX--",
                                 "--XX\r\nContent-Disposition: form-data\r\n\r\n\r\n--XX--", "--XX\r\nno colon\r\n\r\n\r\n--XX--",
                                 "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n\r\n--XX--",
                                 "--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n--XX--",
                                 "--XX\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n\r\n--XX--"})
    EXPECT_THROW(parse(body), InvalidInput) << body;
}

TEST(Multipart, has_limits) {
  const std::string named = "Content-Disposition: form-data; name=a\r\n";
  const auto form = [&](const std::string& headers) { return "--XX\r\n" + headers + named + "\r\nx\r\n--XX--"; };
  const auto repeated = [](std::size_t count, const std::string& text) {
    std::string out;
    while (count-- > 0) out += text;
    return out;
  };
  EXPECT_EQ(parse(form(repeated(31, "X: y\r\n"))), Seen{"a|-||x"}) << "32 headers";
  EXPECT_THROW(parse(form(repeated(32, "X: y\r\n"))), TooLarge);

  const std::size_t used = 2 + named.size() - 2 + 3 + 2;  // a line end in front, "X: " and a line end, none at the end
  EXPECT_EQ(parse(form("X: " + std::string(FormLimits{}.header_bytes - used, 'h') + "\r\n")), Seen{"a|-||x"});
  EXPECT_THROW(parse(form("X: " + std::string(FormLimits{}.header_bytes - used + 1, 'h') + "\r\n")), TooLarge);

  const std::string part = "--XX\r\n" + named + "\r\nx\r\n";
  EXPECT_EQ(parse(repeated(64, part) + "--XX--").size(), 64u);
  EXPECT_THROW(parse(repeated(65, part) + "--XX--"), TooLarge);

  const auto padded = [&](std::size_t blanks) { return "--XX\r\n" + named + "\r\nx\r\n--XX" + std::string(blanks, ' ') + "\r\n" + named + "\r\ny\r\n--XX--"; };
  EXPECT_EQ(parse(padded(64)).size(), 2u);
  EXPECT_EQ(parse(padded(65)).size(), 1u) << "no boundary any more";

  EXPECT_THROW(parse("--XX\r\nX: " + std::string(20000, 'a')), TooLarge);
  EXPECT_THROW(parse(std::string(20000, 'a')), InvalidInput);
}

// Damaged forms of every kind: an answer or a refusal, never anything else, and the same one however the bytes come.
TEST(Multipart, survives_garbage) {
  std::mt19937 random(42);
  const auto outcome = [](const std::string& body, std::size_t piece) -> Seen {
    try {
      return parse(body, piece);
    } catch (const Error& refused) {
      return {std::string("refused: ") + refused.what()};
    }
  };
  for (int round = 0; round < 3000; ++round) {
    std::string body = kForm;
    for (unsigned change = random() % 8; change > 0; --change) {
      const std::size_t at = random() % body.size();
      switch (random() % 4) {
        case 0: body[at] = static_cast<char>(random()); break;
        case 1: body.erase(at, random() % 20); break;
        case 2: body.insert(at, "\r\n--XX"); break;
        default: body.insert(at, 1, "\r\n-\";="[random() % 6]); break;
      }
      if (body.empty()) body = "-";
    }
    ASSERT_EQ(outcome(body, std::string::npos), outcome(body, 1 + random() % 30)) << body;
  }
}

TEST(PartHeaders, read_quoted_and_extended_names) {
  const auto filename = [](const std::string& value) {
    return parse_part_headers("Content-Disposition: form-data; name=\"image\"; " + value).filename.value_or("-");
  };
  EXPECT_EQ(filename("filename=\"a b.png\""), "a b.png");
  EXPECT_EQ(filename("filename=\"..\\x.png\""), "..x.png");
  EXPECT_EQ(filename("filename=\"a\\\"b;c.png\""), "a\"b;c.png");
  EXPECT_EQ(filename("filename=plain.png"), "plain.png");
  EXPECT_EQ(filename("FileName = \"x\" "), "x");
  EXPECT_EQ(filename("filename=\"\""), "");
  EXPECT_EQ(filename("filename=\"ü.png\""), "ü.png");
  EXPECT_EQ(filename("filename=\"x\"; filename*=UTF-8''%C3%BC%20e.png"), "ü e.png");
  EXPECT_EQ(filename("filename*=iso-8859-1'de'%FC.png"), "ü.png");
  EXPECT_EQ(filename("other"), "-");
  EXPECT_THROW(filename("filename*=utf-8''%ff"), InvalidInput);
  EXPECT_THROW(filename("filename*=koi8-r''x"), InvalidInput);
  EXPECT_THROW(filename("filename*=nothing"), InvalidInput);
  EXPECT_THROW(filename("filename=\"x\"y"), InvalidInput);
}

TEST(Boundary, is_read_from_the_content_type) {
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(boundary_of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\""), "a b");
  for (const std::string type : {"", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x"})
    EXPECT_THROW(boundary_of(type), InvalidInput) << type;
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=" + std::string(70, 'a')).size(), 70u);
  EXPECT_THROW(boundary_of("multipart/form-data; boundary=" + std::string(71, 'a')), InvalidInput);
}

}  // namespace
}  // namespace darkroom
