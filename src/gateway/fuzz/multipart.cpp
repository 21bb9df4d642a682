// Forms of uploads: the outcome is the same however the bytes are cut into pieces.

#include "gateway/multipart.hpp"

#include "base/error.hpp"
#include "fuzz.hpp"

namespace darkroom {
namespace {

struct Recorder : FormSink {
  std::string seen;
  void begin(const FormPart& part) override { seen += "<" + part.name + "|" + part.filename.value_or("-") + "|" + part.content_type + ">"; }
  void data(std::string_view bytes) override { seen += bytes; }
  void end() override { seen += "</>"; }
};

template <class Feed>
std::string outcome(Feed feed) {
  Recorder recorder;
  MultipartParser parser("XX", recorder);
  try {
    feed(parser);
    parser.finish();
  } catch (const Error& refused) {
    return std::string("refused: ") + refused.what();
  }
  return recorder.seen;
}

}  // namespace
}  // namespace darkroom

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace darkroom;
  const std::string_view body = view_of(data, size);
  const std::string whole = outcome([&](MultipartParser& parser) { parser.push(body); });
  const std::string pieces =
      outcome([&](MultipartParser& parser) { in_pieces(body, [&](std::string_view piece) { parser.push(piece); }); });
  // Which limit is told may depend on how much is there at once; whether it is refused may not.
  fuzz_check(whole == pieces || (whole.starts_with("refused") && pieces.starts_with("refused")), "a form depends on how its bytes are cut");
  try {
    boundary_of(body);
  } catch (const Error&) {
    // no form
  }
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  const std::string image =
      "--XX\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a b.png\"\r\nContent-Type: "
      "image/png\r\n\r\nPNG\r\n--X\r\n--XXY\r\n";
  return {image + "--XX\r\nContent-Disposition: form-data; name=type\r\n\r\ninput\r\n--XX--\r\nepilogue",
          "preamble\r\n" + image + "--XX \t\r\nContent-Disposition: form-data; name=\"e\"; filename*=UTF-8''%C3%BC.png\r\n\r\n--XX--",
          "--XX\r\nContent-Disposition: form-data; name=\"q\\\"x\"\r\nContent-Transfer-Encoding: binary\r\n\r\n\r\n--XX--",
          "multipart/form-data; charset=utf-8; boundary=\"a b\""};
}

std::vector<std::string> fuzz_words() {
  return {"\r\n",        "\r\n--XX",           "--XX--", "--XX\r\n", "\r\n\r\n", "Content-Disposition: form-data; name=",
          "filename=\"", "filename*=UTF-8''%", "\"",     ";",        "boundary="};
}
