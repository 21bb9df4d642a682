#pragma once
// libvips, tamed: started once with the loaders that are not meant for hostile files switched off, and references that free
// themselves. Private to this folder.

#include <vips/vips.h>

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

/// Of the loaders that libvips calls trusted: is it one for pictures of pixels (no SVG, PDF, or raw matrices)?
bool is_picture_loader(std::string_view loader);

/// Is the end of a PNG or JPEG missing? Its upper part is shown all the same, as with ComfyUI: half of an old photograph is better than none.
bool is_cut_short(std::string_view bytes);

/// The library's last error, one line, and forgets it.
std::string vips_fault();

}  // namespace darkroom::imaging
