#include "gateway/multipart.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace darkroom {

namespace {

/// Limit: blanks between a boundary and its line end. Beyond: the line counts as data. Fixed: programs send none. Edge:
/// Multipart.has_limits.
constexpr std::size_t kMaxPadding = 64;

}  // namespace

MultipartParser::MultipartParser(std::string_view boundary, FormSink& sink, const FormLimits& limits)
    : delimiter_("\r\n--" + std::string(boundary)), sink_(sink), limits_(limits), buffer_("\r\n") {}
// The first boundary may stand at the very start of the body; with a line end put before it, it looks like all others.

void MultipartParser::push(std::string_view bytes) {
  if (state_ == State::kEpilogue) return;  // to be ignored, whatever it is
  buffer_ += bytes;
  while (step()) {
  }
}

void MultipartParser::finish() const {
  if (state_ != State::kEpilogue) throw InvalidInput("the form ends before its closing boundary");
}

bool MultipartParser::step() {
  switch (state_) {
    case State::kPreamble: return skip_to_boundary();
    case State::kBoundaryEnd: return read_boundary_end();
    case State::kHeaders: return read_headers();
    case State::kDataStart: return read_data_start();
    case State::kData: return read_data();
    case State::kEpilogue: buffer_.clear(); return false;
  }
  return false;
}

bool MultipartParser::skip_to_boundary() {
  const auto at = buffer_.find(delimiter_);
  if (at == std::string::npos) {
    if (buffer_.size() > limits_.header_bytes) throw InvalidInput("no boundary at the start of the form");
    return false;
  }
  buffer_.erase(0, at + delimiter_.size());
  state_ = State::kBoundaryEnd;
  return true;
}

// After a boundary: `--` ends the form; blanks and a line end begin the next part; anything else was data that looks alike.
bool MultipartParser::read_boundary_end() {
  std::size_t at = 0;
  if (buffer_.size() < 2) return false;
  const bool closing = buffer_[0] == '-' && buffer_[1] == '-';
  if (!closing) {
    while (at < buffer_.size() && at <= kMaxPadding && (buffer_[at] == ' ' || buffer_[at] == '\t')) ++at;
    if (at + 2 > buffer_.size()) return false;
    if (at > kMaxPadding || buffer_[at] != '\r' || buffer_[at + 1] != '\n') {
      if (in_part_) sink_.data(lookalike_);
      state_ = in_part_ ? State::kData : State::kPreamble;
      return true;
    }
  }
  if (in_part_) {
    in_part_ = false;
    sink_.end();
  }
  if (closing) {
    state_ = State::kEpilogue;
  } else {
    buffer_.erase(0, at);  // the line end stays: a part without headers has one line end more
    state_ = State::kHeaders;
  }
  return true;
}

bool MultipartParser::read_headers() {
  const auto end = buffer_.find("\r\n\r\n");
  if (std::min(end, buffer_.size()) > limits_.header_bytes) throw TooLarge("the headers of a form's part are too long");
  if (end == std::string::npos) return false;
  if (++parts_ > limits_.parts) throw TooLarge("the form has more than " + std::to_string(limits_.parts) + " parts");
  const std::string_view lines = end == 0 ? std::string_view() : std::string_view(buffer_).substr(2, end - 2);
  const FormPart part = parse_part_headers(lines);
  buffer_.erase(0, end + 4);
  in_part_ = true;
  state_ = State::kDataStart;
  sink_.begin(part);
  return true;
}

// A part without a body may end right after its headers: their last line end is then also that of the boundary.
bool MultipartParser::read_data_start() {
  const std::string_view bare = std::string_view(delimiter_).substr(2);
  const std::size_t common = std::min(bare.size(), buffer_.size());
  if (std::string_view(buffer_).substr(0, common) != bare.substr(0, common)) {
    state_ = State::kData;
    return true;
  }
  if (common < bare.size()) return false;
  buffer_.erase(0, bare.size());
  lookalike_ = bare;
  state_ = State::kBoundaryEnd;
  return true;
}

bool MultipartParser::read_data() {
  const auto at = buffer_.find(delimiter_);
  if (at != std::string::npos) {
    if (at > 0) sink_.data(std::string_view(buffer_).substr(0, at));
    buffer_.erase(0, at + delimiter_.size());
    lookalike_ = delimiter_;
    state_ = State::kBoundaryEnd;
    return true;
  }
  // Hold back what may be the start of a delimiter that the next piece completes.
  std::size_t keep = std::min(buffer_.size(), delimiter_.size() - 1);
  while (keep > 0 && buffer_.compare(buffer_.size() - keep, keep, delimiter_, 0, keep) != 0) --keep;
  const std::size_t ready = buffer_.size() - keep;
  if (ready > 0) sink_.data(std::string_view(buffer_).substr(0, ready));
  buffer_.erase(0, ready);
  return false;
}

}  // namespace darkroom
