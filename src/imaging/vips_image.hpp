#pragma once
// libvips, tamed: started once with the loaders that are not meant for hostile files switched off, and references that free
// themselves. Private to this folder.

#include <vips/vips.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace darkroom::imaging {

/// Starts libvips on first use; later calls cost nothing. Throws InternalError when it can't start.
void start_vips();

struct Unref {
  void operator()(VipsImage* image) const { g_object_unref(image); }
};
using VipsRef = std::unique_ptr<VipsImage, Unref>;

/// Ends the computation of an image that takes too long. Set before its pixels are asked for, and there until they came.
class Stopwatch {
 public:
  Stopwatch(VipsImage* image, int seconds);
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  bool is_over() const { return over_; }  ///< the time was up

 private:
  static void look(VipsImage* image, VipsProgress*, Stopwatch* watch);
  std::chrono::steady_clock::time_point end_;
  bool over_ = false;
};

/// Of the loaders that libvips calls trusted: is it one for pictures of pixels (no SVG, PDF, or raw matrices)?
bool is_picture_loader(std::string_view loader);

/// Is the end of a PNG or JPEG missing? Its upper part is shown all the same, as with ComfyUI: half of an old photograph is better than none.
bool is_cut_short(std::string_view bytes);

/// The library's last error, one line, and forgets it.
std::string vips_fault();

}  // namespace darkroom::imaging
