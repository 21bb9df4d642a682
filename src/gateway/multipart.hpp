#pragma once
// multipart/form-data (RFC 7578), parsed as it arrives: bytes are pushed in pieces of any size, parts come out. Nothing of a
// part is kept but its headers and, between two pushes, the few bytes that could be the start of a boundary.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace darkroom {

/// What stands in a part's headers.
struct FormPart {
  std::string name;
  std::optional<std::string> filename;  ///< there for file parts, even when empty
  std::string content_type;             ///< "" when not given
};

/// Gets the parts of a form, in order: begin, data any number of times, end.
class FormSink {
 public:
  virtual ~FormSink() = default;
  virtual void begin(const FormPart& part) = 0;
  virtual void data(std::string_view bytes) = 0;
  virtual void end() = 0;
};

struct FormLimits {
  /// Limit: parts of a form. Beyond: 413. Fixed: uploads have up to six. Edge: Multipart.has_limits.
  std::size_t parts = 64;
  /// Limit: all headers of a part of a form together, bytes. Beyond: 413. Fixed: file names are shorter. Edge: Multipart.has_limits.
  std::size_t header_bytes = 16 * 1024;
};

class MultipartParser {
 public:
  /// `boundary` as boundary_of() gives it. Exceptions of the sink pass through push().
  MultipartParser(std::string_view boundary, FormSink& sink, const FormLimits& limits = {});

  /// Takes the next bytes of the body. Throws InvalidInput for what is no form, TooLarge past a limit; not to be used after that.
  void push(std::string_view bytes);
  /// The body has ended. Throws InvalidInput when the closing boundary has not been seen.
  void finish() const;

 private:
  enum class State { kPreamble, kBoundaryEnd, kHeaders, kDataStart, kData, kEpilogue };
  bool step();
  bool skip_to_boundary();
  bool read_boundary_end();
  bool read_headers();
  bool read_data_start();
  bool read_data();

  const std::string delimiter_;  ///< CRLF, two hyphens, boundary
  FormSink& sink_;
  const FormLimits limits_;
  State state_ = State::kPreamble;
  bool in_part_ = false;         ///< begun and not ended
  std::string lookalike_;        ///< the bytes taken for a boundary, given back as data when they were none
  std::size_t parts_ = 0;
  std::string buffer_;           ///< not consumed yet
};

/// The boundary in the Content-Type of a form. Throws InvalidInput when it is no form or the boundary is missing or too long.
std::string boundary_of(std::string_view content_type);

/// Name, filename and type in the header lines of one part (CRLF between them, none at the end). Throws InvalidInput.
FormPart parse_part_headers(std::string_view lines);

}  // namespace darkroom
