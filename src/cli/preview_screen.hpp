#pragma once
// Pictures of a running sampler on the terminal: as pictures where it takes them, as coloured half blocks where it has true colour.

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "cli/terminal.hpp"
#include "client/proxy.hpp"
#include "gateway/picture_helper.hpp"

namespace darkroom {

enum class PreviewForm {
  kNone,
  kITerm,   ///< inline images of iTerm2, which WezTerm and mintty take, too: JPEG and PNG as they are
  kKitty,   ///< kitty's graphics protocol, PNG
  kBlocks,  ///< two pixels a character, upper half in the foreground colour
};

/// What the terminal can show, by TERM, TERM_PROGRAM and COLORTERM. Multiplexers pass on colours only.
PreviewForm preview_form(const Environment& environment = process_environment);

class PreviewScreen {
 public:
  /// Pictures go through darkroom-picture (nothing is decoded in this process).
  PreviewScreen(PreviewForm form, Terminal terminal);
  ~PreviewScreen();
  bool on() const { return form_ != PreviewForm::kNone; }

  /// An encoded picture as the terminal takes it. Nothing (rows 0) for one that comes too soon after the last, or that can't be read.
  TerminalPicture show(std::string_view encoded);

 private:
  std::string made_of(std::string_view encoded, const std::vector<std::string>& arguments);

  PreviewForm form_;
  std::size_t rows_ = 0;  ///< of the terminal, that a picture takes; it is twice as many columns wide
  std::filesystem::path file_;
  PictureHelper helper_;
  std::int64_t shown_ms_ = 0;
};

/// A PPM (P6, 8 bits, no comments) as half blocks. Throws InvalidInput for anything else.
TerminalPicture half_blocks(std::string_view ppm);

/// `bytes` in base64 (RFC 4648).
std::string base64(std::string_view bytes);

}  // namespace darkroom
